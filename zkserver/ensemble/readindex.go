package ensemble

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"

	"go.etcd.io/raft/v3"
)

// reads gathers the callers of ReadIndex: all that arrive before a question
// is put to raft share it, and its answer (raft thesis §6.4).
type reads struct {
	asker uint64        // random, so that no two members put the same question
	wake  chan struct{} // has a token when somebody arrived

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

// askAgainTicks is how long to wait for an answer.
const askAgainTicks = 10

func newReads() *reads { return &reads{asker: random(), wake: make(chan struct{}, 1)} }

// wait blocks until what was committed before the call is applied.
func (r *reads) wait(ctx context.Context, stopped <-chan struct{}) error {
	done := make(chan struct{})
	r.add(done)
	select {
	case <-done:
		return nil
	case <-stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// add has done closed when what was committed before the call is applied.
func (r *reads) add(done chan struct{}) {
	r.mu.Lock()
	r.arrived = append(r.arrived, done)
	r.mu.Unlock()
	signal(r.wake)
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
		rn.ReadIndex(r.encode())
	}
}

// encode gives the question its bytes, which come back with the answer.
func (r *reads) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, r.asker)
	return binary.BigEndian.AppendUint64(b, r.question)
}

// tick lets time go on by one tick: an answer that has not come for a while is
// lost, as raft drops questions when there is no leader and the network may.
func (r *reads) tick() {
	if r.age++; len(r.asked) > 0 && r.age >= askAgainTicks {
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
	if !bytes.Equal(s.RequestCtx, r.encode()) || len(r.asked) == 0 {
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
