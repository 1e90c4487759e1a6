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

// Remains checks that no ephemeral znode is in a list that was taken after its
// session was over: closed by its client, or said to have expired. A create without
// answer may have come about before that, but not after. Names are used once.
func Remains(ops []Op) []Violation {
	over, owners := map[int64]*Op{}, map[string]*Op{}
	for i := range ops {
		switch o := &ops[i]; {
		case o.Session == 0:
		case o.Kind == Ephemeral:
			owners[o.Path] = o
		case (o.Kind == Expired || o.Kind == Closed) && o.Code == OK:
			over[o.Session] = o
		}
	}
	var bad []Violation
	for i := range ops {
		l := &ops[i]
		if l.Kind != List || l.Code != OK {
			continue
		}
		for _, name := range l.Names {
			e := owners[path.Join(l.Path, name)]
			if e == nil {
				continue
			}
			if end := over[e.Session]; end != nil && end.End < l.Begin {
				bad = append(bad, violation("remains", "%s, and %s, but it is there for %s at %d..%d", e, end, l.Client, l.Begin, l.End))
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
