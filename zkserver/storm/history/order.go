package history

import (
	"cmp"
	"maps"
	"slices"
)

// Zxids checks that writes that follow each other, on whatever paths, have zxids
// that do, and that no two have the same.
func Zxids(ops []Op) []Violation {
	var writes []place
	for i := range ops {
		if o := &ops[i]; o.Kind == Set && o.Code == OK && o.Zxid != 0 {
			writes = append(writes, place{o, o.Zxid})
		}
	}
	return inOrder("zxids", writes)
}

// Sequences does the same with the numbers of sequential names below one parent.
func Sequences(ops []Op) []Violation {
	parents := map[string][]place{}
	for i := range ops {
		if o := &ops[i]; o.Kind == Sequential && o.Code == OK {
			parents[o.Path] = append(parents[o.Path], place{o, o.Number})
		}
	}
	var bad []Violation
	for _, path := range slices.Sorted(maps.Keys(parents)) {
		bad = append(bad, inOrder("sequences", parents[path])...)
	}
	return bad
}

// A place is an operation's in an order that the service gave.
type place struct {
	op *Op
	at int64
}

// inOrder checks that what ended before another began has a lower place, and that
// no place is given twice.
func inOrder(check string, places []place) []Violation {
	var bad []Violation
	taken := map[int64]*Op{}
	for _, p := range places {
		if other := taken[p.at]; other != nil {
			bad = append(bad, violation(check, "%#x was given twice: to %s and to %s", p.at, other, p.op))
		}
		taken[p.at] = p.op
	}
	byEnd := slices.SortedFunc(slices.Values(places), func(a, b place) int { return cmp.Compare(a.op.End, b.op.End) })
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.op.Begin, b.op.Begin) })
	var highest place
	ended := 0
	for _, p := range places {
		for ; ended < len(byEnd) && byEnd[ended].op.End < p.op.Begin; ended++ {
			if highest.op == nil || byEnd[ended].at > highest.at {
				highest = byEnd[ended]
			}
		}
		if highest.op != nil && highest.at > p.at {
			bad = append(bad, violation(check, "%s ended before %s began", highest.op, p.op))
		}
	}
	return bad
}

// Sessions checks that the state a session is shown never goes back: what it reads
// has every write in it whose zxid is not above the highest that it was shown
// before, its own writes among them.
func Sessions(ops []Op) []Violation {
	writes := map[string][]int64{} // the zxids of each path's sets, sorted
	for i := range ops {
		if o := &ops[i]; o.Kind == Set && o.Code == OK && o.Zxid != 0 {
			writes[o.Path] = append(writes[o.Path], o.Zxid)
		}
	}
	for _, zxids := range writes {
		slices.Sort(zxids)
	}
	var bad []Violation
	shown := map[int64]int64{} // by session
	for i := range ops {
		o := &ops[i]
		if o.Session == 0 || o.Code != OK || o.Zxid == 0 {
			continue
		}
		if o.Kind == Read || o.Kind == Peek {
			at, _ := slices.BinarySearch(writes[o.Path], o.Zxid+1) // the first that is newer
			if at < len(writes[o.Path]) && writes[o.Path][at] <= shown[o.Session] {
				bad = append(bad, violation("sessions", "shown %#x before, and then, without the write of %#x: %s",
					shown[o.Session], writes[o.Path][at], o))
			}
		}
		shown[o.Session] = max(shown[o.Session], o.Zxid)
	}
	return bad
}
