package history

import (
	"path"
	"slices"
)

// Ephemerals checks that an ephemeral znode is in every list that was taken between
// the answer to its create and the beginning of an answered write or Read of its
// session: the session lived then. A Peek does not say so: it may have been answered
// by a member that did not know yet.
func Ephemerals(ops []Op) []Violation {
	lived := map[int64]int64{} // by session: it was alive at this time
	ended := map[string]int64{}
	for i := range ops {
		o := &ops[i]
		if o.Session != 0 && o.Answered() && o.ordered() {
			lived[o.Session] = max(lived[o.Session], o.Begin)
		}
		if o.Kind == Delete { // perhaps by another session, perhaps not done
			if at, ok := ended[o.Path]; !ok || o.Begin < at {
				ended[o.Path] = o.Begin
			}
		}
	}
	var bad []Violation
	for i := range ops {
		e := &ops[i]
		if e.Kind != Ephemeral || e.Code != OK || e.Session == 0 {
			continue
		}
		until := lived[e.Session]
		if at, ok := ended[e.Path]; ok {
			until = min(until, at)
		}
		for j := range ops {
			l := &ops[j]
			if l.Kind != List || l.Code != OK || l.Path != path.Dir(e.Path) || l.Begin < e.End || l.End > until {
				continue
			}
			if !slices.Contains(l.Names, path.Base(e.Path)) {
				bad = append(bad, violation("ephemerals", "%s: its session lived at %d, but it was not there for %s at %d..%d",
					e, until, l.Client, l.Begin, l.End))
				break
			}
		}
	}
	return bad
}

// ordered reports whether an operation has a place among the writes of all.
func (o *Op) ordered() bool {
	switch o.Kind {
	case Create, Set, Delete, Sequential, Ephemeral, Read, List:
		return true
	}
	return false
}
