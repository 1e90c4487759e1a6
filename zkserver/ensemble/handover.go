package ensemble

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"
)

// ErrNobody says that no other member can take over the lead.
var ErrNobody = errors.New("ensemble: no other member can lead")

// A member may take handOverTicks to lead when it is asked to: raft gives up a
// transfer after an election timeout. If nothing is heard from it for as long as
// three heartbeats take, another one is asked.
const (
	handOverTicks = electionTicks
	unheardTicks  = 3*heartbeatTicks + 1
)

// A handOver is the wish to give up the lead, of whoever waits for it.
type handOver struct {
	wake chan struct{} // has a token when somebody arrived

	mu      sync.Mutex // protects arrived
	arrived []chan error

	// Owned by the raft loop. waiting have room for the one answer.
	waiting []chan error
	age     int      // ticks since raft was asked; 0 if it was not
	asked   []uint64 // raft's numbers of those who were to lead, the last one now
}

func newHandOver() *handOver { return &handOver{wake: make(chan struct{}, 1)} }

// HandOver gives the lead to another member, the one whose log is the newest,
// and returns when that one leads. It is for a planned stop: nobody has to wait for
// an election then. A member that does not lead, or has no
// others, has nothing to do. ErrNobody says that no other member can lead now:
// without this one there is no service.
func (n *Node) HandOver(ctx context.Context) error {
	if !n.formed() {
		return nil
	}
	done := make(chan error, 1)
	h := n.handOver
	h.mu.Lock()
	h.arrived = append(h.arrived, done)
	h.mu.Unlock()
	signal(h.wake)
	select {
	case err := <-done:
		return err
	case <-n.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// handOverLead begins what is wished, and ends it when another one leads. Those
// who arrive later share it.
func (l *loop) handOverLead() {
	h := l.handOver
	h.mu.Lock()
	h.waiting = append(h.waiting, h.arrived...)
	h.arrived = nil
	h.mu.Unlock()
	if len(h.waiting) == 0 {
		return
	}
	switch {
	case l.single || l.removed || l.leader != 0 && !l.leading || !l.leading && h.age == 0:
		h.answer(nil)
	case !l.leading && h.age > handOverTicks:
		h.answer(ErrNobody)
	case !l.leading:
	case h.age == 0, h.age > handOverTicks, h.age > unheardTicks && l.unheard(h.asked[len(h.asked)-1]):
		l.askSuccessor()
	}
}

// askSuccessor has another one lead, if there is one that was not asked yet.
func (l *loop) askSuccessor() {
	h := l.handOver
	to, ok := l.successor(h.asked...)
	if !ok {
		h.answer(ErrNobody)
		return
	}
	h.age, h.asked = 1, append(h.asked, to)
	number, _ := l.peers.numberOf(to)
	l.log.Info().Uint64("term", l.term).Int("member", number).Msg("handing over the lead")
	l.raft.TransferLeader(to)
}

// unheard reports whether a member that is to lead is silent.
func (l *loop) unheard(id uint64) bool { return l.clock-l.heard[id] > unheardTicks }

// tick lets time go on by one tick.
func (h *handOver) tick() {
	if h.age > 0 {
		h.age++
	}
}

func (h *handOver) answer(err error) {
	for _, done := range h.waiting {
		done <- err
	}
	h.waiting, h.age, h.asked = nil, 0, nil
}

// successor gives raft's number of the voter that has most of the log, of those who
// have most room for more of it, except some. Only who was heard from in the last
// election timeout and lacks few entries is one: until it has them all, nothing is
// proposed.
func (l *loop) successor(except ...uint64) (id uint64, ok bool) {
	best, most := uint64(0), empty
	commit := l.raft.BasicStatus().HardState.GetCommit()
	l.raft.WithProgress(func(other uint64, kind raft.ProgressType, p tracker.Progress) {
		if other == l.peers.self || kind != raft.ProgressTypePeer || slices.Contains(except, other) || !l.heardLately(other) {
			return
		}
		if p.State != tracker.StateReplicate || p.Match+caughtUp < commit {
			return
		}
		if r := l.roomOf(other); r < most || r == most && p.Match > best {
			id, best, most = other, p.Match, r
		}
	})
	return id, best > 0
}
