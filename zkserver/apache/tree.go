package apache

import (
	"iter"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// modes says how lifetimes are called on either side.
var modes = map[Lifetime]tree.Mode{
	Persistent: tree.Persistent, Ephemeral: tree.Ephemeral, Container: tree.Container, TTL: tree.PersistentTTL,
}

// Tree makes our tree of the state. The state must not be used after it.
func (s *State) Tree() (*tree.Tree, error) { return tree.Load(s.Zxid, s.records()) }

func (s *State) records() iter.Seq[tree.Record] {
	return func(yield func(tree.Record) bool) {
		for _, z := range s.Znodes {
			r := tree.Record{
				Path: z.Path, Data: z.Data, Mode: modes[z.Lifetime], Owner: z.Session + z.TTL, // one of the two, if any
				Czxid: z.Czxid, Mzxid: z.Mzxid, Pzxid: z.Pzxid, Ctime: z.Ctime, Mtime: z.Mtime,
				Version: z.Version, Aversion: z.Aversion, Creates: z.Creates,
			}
			for _, a := range z.ACL {
				r.ACL = append(r.ACL, tree.ACL(a))
			}
			if !yield(r) {
				return
			}
		}
	}
}

// FromTree gives the state of a tree, which must not change while the state is
// used. It has no sessions. zxid is that of the server's last write, which need
// not have touched the tree: a client that has seen it is turned away by a server
// that is behind.
func FromTree(t *tree.Tree, zxid int64) *State {
	s := newState()
	s.Zxid = max(zxid, t.LastZxid())
	for r := range t.Records() {
		z := &Znode{
			Path: r.Path, Data: r.Data,
			Czxid: r.Czxid, Mzxid: r.Mzxid, Pzxid: r.Pzxid, Ctime: r.Ctime, Mtime: r.Mtime,
			Version: r.Version, Aversion: r.Aversion, Creates: r.Creates,
		}
		switch r.Mode {
		case tree.Ephemeral:
			z.Lifetime, z.Session = Ephemeral, r.Owner
		case tree.PersistentTTL:
			z.Lifetime, z.TTL = TTL, r.Owner
		case tree.Container:
			z.Lifetime = Container
		}
		for _, a := range r.ACL {
			z.ACL = append(z.ACL, wire.ACL(a))
		}
		s.Znodes[r.Path] = z
	}
	return s
}
