package tree

import (
	"fmt"
	"iter"

	"github.com/cespare/xxhash/v2"
)

// A Record is a znode with all that a tree knows of it, as other formats than
// our snapshot need it.
type Record struct {
	Path string
	Data []byte // nil is kept apart from empty
	ACL  []ACL  // as stored: nothing in it is resolved

	Czxid, Mzxid, Pzxid int64
	Ctime, Mtime        int64 // milliseconds since 1970
	Version, Aversion   int32
	Creates             int32 // children ever created: the next sequential suffix

	// Mode is Persistent, Ephemeral, Container or PersistentTTL.
	Mode Mode
	// Owner is the session of an ephemeral znode, the milliseconds to live of
	// a TTL znode, and 0 otherwise.
	Owner int64
}

// kindOf and modeOf say how a znode's kind and the mode of its record belong
// together. How a name was made is not kept.
var (
	kindOf = map[Mode]kind{Persistent: persistent, Ephemeral: ephemeral, Container: container, PersistentTTL: ttl}
	modeOf = map[kind]Mode{persistent: Persistent, ephemeral: Ephemeral, container: Container, ttl: PersistentTTL}
)

// Load makes a tree of records, in any order, whose last transaction was zxid.
// It keeps their data, but for the stats of quotas, which it counts. The znodes
// that every tree has are made if they are not among them. The error names a
// record that no tree can have: a bad path, one that is there twice, one without
// a parent or below an ephemeral znode.
func Load(zxid int64, records iter.Seq[Record]) (*Tree, error) {
	t := newTree()
	for r := range records {
		if err := t.loadRecord(r); err != nil {
			return nil, fmt.Errorf("tree: load %q: %w", r.Path, err)
		}
	}
	for r := range New().Records() {
		if t.find(r.Path) == nil {
			_ = t.loadRecord(r) // is right by construction
		}
	}
	for n := range t.all() {
		parent, name, _ := split(n.path)
		if p := t.find(parent); name != "" && p != nil {
			p.numChildren++
		}
	}
	in := new(intake)
	for n := range t.all() {
		var counters [countersSize]byte
		putCounters(&counters, n)
		in.take(n, xxhash.Sum64String(n.path), &counters)
	}
	if err := t.adopt([]*intake{in}); err != nil {
		return nil, fmt.Errorf("tree: load: %w", err)
	}
	t.RecountQuotas() // other programs do so when they start
	t.lastZxid = zxid
	return t, nil
}

// loadRecord puts a znode in its shard. Its links are made when all are there.
func (t *Tree) loadRecord(r Record) error {
	kind, ok := kindOf[r.Mode]
	switch {
	case !ok:
		return fmt.Errorf("mode %d says how a name is made", r.Mode)
	case !validPath(r.Path):
		return fmt.Errorf("invalid path")
	case len(r.ACL) == 0:
		return fmt.Errorf("no ACL")
	case t.find(r.Path) != nil:
		return fmt.Errorf("it is there twice")
	}
	n := &node{
		path: r.Path, data: r.Data, acl: t.acls.intern(r.ACL),
		czxid: r.Czxid, mzxid: r.Mzxid, pzxid: r.Pzxid, ctime: r.Ctime, mtime: r.Mtime,
		owner: r.Owner, version: r.Version, aversion: r.Aversion, creates: r.Creates, kind: kind,
	}
	t.acls.retain(n.acl)
	t.shards[shardOf(xxhash.Sum64String(n.path))].put(n)
	return nil
}

// Records yields every znode, in no order. What it gives is the tree's own:
// it must not be written to, and the tree must not change meanwhile.
func (t *Tree) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for n := range t.all() {
			r := Record{
				Path: n.path, Data: n.data, ACL: n.acl.acl,
				Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid, Ctime: n.ctime, Mtime: n.mtime,
				Version: n.version, Aversion: n.aversion, Creates: n.creates, Mode: modeOf[n.kind], Owner: n.owner,
			}
			if !yield(r) {
				return
			}
		}
	}
}
