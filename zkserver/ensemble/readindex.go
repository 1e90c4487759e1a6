package ensemble

import (
	"context"
	"encoding/binary"
	"sync"

	"go.etcd.io/raft/v3"
)

// reads gathers the callers of ReadIndex: all that arrive before a question
// is put to raft share it, and its answer (raft thesis §6.4).
type reads struct {
	wake chan struct{} // has a token when somebody arrived

	mu      sync.Mutex // protects arrived
	arrived []chan struct{}

	// Owned by the raft loop.
	asked    []chan struct{} // share the question under way
	question uint64          // its number
	age      int             // ticks since it was put
	waiting  []readers       // have their answer, oldest first
	applied  uint64
}

// readers may go on when entry index is applied.
type readers struct {
	index uint64
	done  []chan struct{}
}

func newReads() *reads { return &reads{wake: make(chan struct{}, 1)} }

// wait blocks until what was committed before the call is applied.
func (r *reads) wait(ctx context.Context, stopped <-chan struct{}) error {
	done := make(chan struct{})
	r.mu.Lock()
	r.arrived = append(r.arrived, done)
	r.mu.Unlock()
	signal(r.wake)
	select {
	case <-done:
		return nil
	case <-stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask puts the next question, unless one is under way or nobody has one.
// Raft may lose it; again makes the same callers part of a new one.
func (r *reads) ask(rn *raft.RawNode) {
	if len(r.asked) > 0 {
		return
	}
	r.mu.Lock()
	r.asked, r.arrived = r.arrived, nil
	r.mu.Unlock()
	if len(r.asked) > 0 {
		r.question++
		r.age = 0
		rn.ReadIndex(binary.BigEndian.AppendUint64(nil, r.question))
	}
}

// tick lets time go on by one tick: an answer that has not come after an
// election timeout is lost.
func (r *reads) tick() {
	if r.age++; len(r.asked) > 0 && r.age >= electionTicks {
		r.again()
	}
}

// again drops the question under way, whose answer may never come.
func (r *reads) again() {
	if len(r.asked) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived = append(r.asked, r.arrived...)
	r.asked = nil
}

// answer takes an answer of raft's.
func (r *reads) answer(s raft.ReadState) {
	if len(s.RequestCtx) != 8 || binary.BigEndian.Uint64(s.RequestCtx) != r.question {
		return
	}
	r.waiting = append(r.waiting, readers{index: s.Index, done: r.asked})
	r.asked = nil
	r.advance(r.applied)
}

// advance lets go those who waited for entry applied or an earlier one.
func (r *reads) advance(applied uint64) {
	r.applied = max(r.applied, applied)
	for len(r.waiting) > 0 && r.waiting[0].index <= r.applied {
		for _, done := range r.waiting[0].done {
			close(done)
		}
		r.waiting = r.waiting[1:]
	}
}
