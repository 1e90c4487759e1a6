package wal

import (
	"fmt"
	"slices"
	"sort"
)

// runSpacing is how many bytes of log a run covers at most: what a read may
// have to skip. It keeps the index small: 24 bytes per 64 KiB of log.
const runSpacing = 64 << 10

// An index knows which entries the log holds and where. It does no I/O.
//
// Entries are added in the order in which they lie in the files. Adding one
// at or below the last truncates the log there first, as raft demands, so
// that an entry that was overwritten can never be seen again.
type index struct {
	base, baseTerm uint64 // the entry before the first; the term is 0 if unknown
	last           uint64 // Invariant: last >= base

	runs  []run     // ascending by first
	terms []termRun // ascending by first
}

// A run is a stretch of entries that lie one behind the other. It ends where
// the next run begins.
type run struct {
	first uint64 // index of the first entry
	place
}

// A place is where a group begins.
type place struct {
	segment uint64
	offset  int64
}

// A termRun is a stretch of entries of one term.
type termRun struct{ first, term uint64 }

// add appends one entry, which lies in the group at p. Only the first entry
// of a group may overwrite.
func (x *index) add(i, term uint64, p place) error {
	if i > x.last+1 {
		return fmt.Errorf("entry %d follows entry %d", i, x.last)
	}
	if i == 0 {
		return fmt.Errorf("entry 0")
	}
	overwrites := i <= x.last
	if overwrites {
		x.cutFrom(i)
	}
	if n := len(x.runs); n == 0 || overwrites || x.runs[n-1].segment != p.segment || p.offset-x.runs[n-1].offset >= runSpacing {
		x.runs = append(x.runs, run{first: i, place: p})
	}
	if n := len(x.terms); n == 0 || x.terms[n-1].term != term {
		x.terms = append(x.terms, termRun{first: i, term: term})
	}
	x.last = i
	return nil
}

// cutFrom forgets entry i and all behind it.
func (x *index) cutFrom(i uint64) {
	if i <= x.base {
		x.base, x.baseTerm = i-1, 0
	}
	x.last = i - 1
	x.runs = slices.DeleteFunc(x.runs, func(r run) bool { return r.first >= i })
	x.terms = slices.DeleteFunc(x.terms, func(t termRun) bool { return t.first >= i })
}

// reset forgets all entries: the next one follows i.
func (x *index) reset(i, term uint64) {
	*x = index{base: i, baseTerm: term, last: i}
}

// truncate forgets entry i and all before it; i must not be behind the last.
func (x *index) truncate(i, term uint64) {
	if i < x.base || i > x.last {
		return
	}
	x.base, x.baseTerm = i, term
	x.runs = slices.Clone(x.runs[x.runOf(i+1):])
	x.terms = slices.Clone(x.terms[x.termOf(i+1):])
	if i == x.last {
		x.runs, x.terms = nil, nil
	}
}

// runOf is the position of the run that holds entry i.
func (x *index) runOf(i uint64) int {
	return max(0, sort.Search(len(x.runs), func(k int) bool { return x.runs[k].first > i })-1)
}

// termOf is the position of the termRun that holds entry i.
func (x *index) termOf(i uint64) int {
	return max(0, sort.Search(len(x.terms), func(k int) bool { return x.terms[k].first > i })-1)
}

// term gives the term of entry i, which may also be the one before the first.
func (x *index) term(i uint64) (uint64, error) {
	switch {
	case i == x.base && x.baseTerm != 0, i == 0 && x.base == 0:
		return x.baseTerm, nil
	case i <= x.base:
		return 0, ErrCompacted
	case i > x.last:
		return 0, ErrUnavailable
	}
	return x.terms[x.termOf(i)].term, nil
}

// find gives the run that holds entry i and the first entry that the run does
// not hold.
func (x *index) find(i uint64) (run, uint64, error) {
	if i <= x.base {
		return run{}, 0, ErrCompacted
	}
	if i > x.last {
		return run{}, 0, ErrUnavailable
	}
	k := x.runOf(i)
	end := x.last + 1
	if k+1 < len(x.runs) {
		end = x.runs[k+1].first
	}
	return x.runs[k], end, nil
}

// oldest is the segment of the first entry, false when there is no entry.
func (x *index) oldest() (uint64, bool) {
	if len(x.runs) == 0 {
		return 0, false
	}
	return x.runs[0].segment, true
}
