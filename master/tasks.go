package master

import (
	"iter"
	"maps"
	"math/bits"
	"slices"

	"github.com/mwqueue/mw/coordinator"
)

// seq is the number of a task, its ID in four bytes.
type seq = coordinator.Seq

// taskSet holds tasks by number. The numbers of the tasks that are in the tree
// at a time lie close together, so it holds them in pages: that is fast to look
// up, which is done for every name of every listing, and has no pointers for the
// garbage collector to follow.
type taskSet struct {
	pages map[seq]*page
	n     int
}

const pageSize = 256

type page struct {
	tasks [pageSize]task
	has   [pageSize / 64]uint64 // a bit for each
	n     int
}

// get returns the task, nil if it is not in the set. The pointer is good until
// the task is deleted.
func (ts *taskSet) get(s seq) *task {
	p := ts.pages[s/pageSize]
	if p == nil || p.has[s%pageSize/64]&(1<<(s%64)) == 0 {
		return nil
	}
	return &p.tasks[s%pageSize]
}

// add puts in a task that is not in the set.
func (ts *taskSet) add(s seq) *task {
	p := ts.pages[s/pageSize]
	if p == nil {
		if ts.pages == nil {
			ts.pages = make(map[seq]*page)
		}
		p = new(page)
		ts.pages[s/pageSize] = p
	}
	p.has[s%pageSize/64] |= 1 << (s % 64)
	p.tasks[s%pageSize] = task{}
	p.n++
	ts.n++
	return &p.tasks[s%pageSize]
}

// delete removes a task that is in the set.
func (ts *taskSet) delete(s seq) {
	p := ts.pages[s/pageSize]
	p.has[s%pageSize/64] &^= 1 << (s % 64)
	p.n--
	ts.n--
	if p.n == 0 {
		delete(ts.pages, s/pageSize)
	}
}

// all yields the tasks, the oldest first. The one it has just yielded may be
// deleted.
func (ts *taskSet) all() iter.Seq2[seq, *task] {
	return func(yield func(seq, *task) bool) {
		for _, at := range slices.Sorted(maps.Keys(ts.pages)) {
			p := ts.pages[at]
			for i, word := range p.has {
				for ; word != 0; word &= word - 1 {
					n := i*64 + bits.TrailingZeros64(word)
					if !yield(at*pageSize+seq(n), &p.tasks[n]) {
						return
					}
				}
			}
		}
	}
}
