package apache

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// ErrDamaged says that files do not hold what they should. The error that
// wraps it names the file and, where there is one, the offset.
var ErrDamaged = errors.New("apache: damaged")

// A State is the tree at one zxid.
type State struct {
	Zxid   int64
	Znodes map[string]*Znode // by path; "/" is the root

	// Sessions has the timeouts in milliseconds of the sessions alive at Zxid.
	Sessions map[int64]int32

	// Warnings say what was passed over on the way, a line each.
	Warnings []string
}

// A Znode is one as the files have it.
type Znode struct {
	Path string
	Data []byte // nil is kept apart from empty
	ACL  []wire.ACL

	Czxid, Mzxid, Pzxid int64
	Ctime, Mtime        int64 // milliseconds since 1970
	Version, Aversion   int32
	Creates             int32 // children ever created: the next sequential suffix

	Lifetime Lifetime
	Session  int64 // the owner of an ephemeral znode
	TTL      int64 // milliseconds, of a znode with a time to live

	noACL bool // the snapshot does not say which ACL: the log must
}

// A Lifetime says what may end a znode besides a delete.
type Lifetime uint8

const (
	Persistent Lifetime = iota
	Ephemeral           // the end of its session
	Container           // its last child going
	TTL                 // its time passing without children and writes
)

// The owner field says the lifetime, too (EphemeralType.java).
const (
	containerOwner = -1 << 63
	ttlMark        = 0xff00 << 48
	ttlMarkMask    = 0xffff << 48
	maxTTL         = 1<<40 - 1
)

// setOwner reads the owner field.
func (z *Znode) setOwner(owner int64) {
	z.Lifetime, z.Session, z.TTL = Persistent, 0, 0
	switch {
	case owner == 0:
	case owner == containerOwner:
		z.Lifetime = Container
	case uint64(owner)&ttlMarkMask == ttlMark:
		z.Lifetime, z.TTL = TTL, owner&maxTTL
	default:
		z.Lifetime, z.Session = Ephemeral, owner
	}
}

// owner gives the owner field.
func (z *Znode) owner() int64 {
	switch z.Lifetime {
	case Container:
		return containerOwner
	case TTL:
		mark := uint64(ttlMark)
		return int64(mark) | z.TTL&maxTTL
	case Ephemeral:
		return z.Session
	}
	return 0
}

func newState() *State {
	return &State{Znodes: map[string]*Znode{}, Sessions: map[int64]int32{}}
}

// empty gives the tree that a server without files begins with.
func empty() *State {
	s := newState()
	for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota"} {
		s.Znodes[path] = &Znode{Path: path, Data: []byte{}, ACL: openACL()}
	}
	return s
}

func openACL() []wire.ACL {
	return []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}}
}

// DropEphemerals takes away the ephemeral znodes and the sessions, which no
// other server can go on with. Their parents' counts of creates stay.
func (s *State) DropEphemerals() (dropped int) {
	for path, z := range s.Znodes {
		if z.Lifetime == Ephemeral {
			delete(s.Znodes, path)
			dropped++
		}
	}
	clear(s.Sessions)
	return dropped
}

// check makes sure that every znode has its parent.
func (s *State) check() error {
	for path := range s.Znodes {
		if path != "/" && s.Znodes[parentOf(path)] == nil {
			return fmt.Errorf("%w: %q has no parent", ErrDamaged, path)
		}
	}
	return nil
}

// checkACLs makes sure that the log had the ACLs that the snapshot had not.
func (s *State) checkACLs() error {
	for path, z := range s.Znodes {
		if z.noACL {
			return fmt.Errorf("%w: the ACL of %q is neither in the snapshot nor in the log", ErrDamaged, path)
		}
	}
	return nil
}

// warnOfSchemes counts the znodes whose ACLs name who cannot prove to be that
// here: sasl, and those of plug-ins.
func (s *State) warnOfSchemes() {
	known := []string{"world", "digest", "ip", "x509", "auth"}
	counts := map[string]int{}
	for _, z := range s.Znodes {
		seen := map[string]bool{}
		for _, a := range z.ACL {
			if !slices.Contains(known, a.Scheme) && !seen[a.Scheme] {
				seen[a.Scheme] = true
				counts[a.Scheme]++
			}
		}
	}
	if len(counts) == 0 {
		return
	}
	var each []string
	for _, scheme := range slices.Sorted(maps.Keys(counts)) {
		each = append(each, fmt.Sprintf("%.40q (%d)", scheme, counts[scheme]))
	}
	const most = 10
	if len(each) > most {
		each = append(each[:most], "…")
	}
	s.Warnings = append(s.Warnings, "nobody can have what ACLs give by these schemes, which are unknown here (znodes): "+strings.Join(each, ", "))
}
