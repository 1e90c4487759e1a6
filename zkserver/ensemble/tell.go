package ensemble

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// A follower tells the leader things that are not worth an entry of the log. Of
// what it says anything may be lost. Integers are big-endian:
//
//	u8 frameTell | u64 term | u64 when | bytes     a follower, to the leader of its term
//	u8 frameTold | u64 term | u64 when             the answer
//
// when is the time of the Tell by the follower's own clock, in ns since it began.
// The answer brings it back, so that the follower knows when it was last heard.
const (
	tellHeader = 1 + 8 + 8

	// MaxTell is the most that can be told at once, in bytes.
	MaxTell = 256 << 10

	// maxTells is how much may wait to be sent. What is told beyond that is
	// lost.
	maxTells = 4 << 20

	// maxOpen is of how many Tells the answers are waited for. Those of earlier
	// ones are taken for lost.
	maxOpen = 4096
)

// A Telling is something that the leader was told, or was to be.
type Telling struct {
	answered chan struct{} // closed when it is answered
	term     uint64        // of the leader that answered; set before that
}

// Answered gives a channel that is closed when the leader is known to have heard
// it; then Term says which one. It may never be.
func (t *Telling) Answered() <-chan struct{} { return t.answered }

// Term is that of the leader that has heard it, or 0 while none is known to have.
func (t *Telling) Term() uint64 {
	select {
	case <-t.answered:
		return t.term
	default:
		return 0
	}
}

// NewTelling makes one that the leader of a term has heard, or nobody if it is 0.
// It is for tests of what uses a Node.
func NewTelling(term uint64) *Telling {
	t := &Telling{answered: make(chan struct{}), term: term}
	if term != 0 {
		close(t.answered)
	}
	return t
}

// tells are what this member has to tell the leader.
type tells struct {
	start time.Time     // zero of its clock
	wake  chan struct{} // has a token when there is something to take
	heard atomic.Int64  // when the newest Tell that was answered was sent; 0 is never

	mu      sync.Mutex // protects the fields below
	waiting [][]byte   // frames, the term to be filled in
	bytes   int
	last    time.Duration // of the newest Tell; no two have the same time
	open    map[time.Duration]*Telling
	order   []time.Duration // of open, oldest first; some may be answered
}

func newTells() *tells {
	return &tells{start: time.Now(), wake: make(chan struct{}, 1), open: make(map[time.Duration]*Telling)}
}

func (t *tells) add(b []byte) *Telling {
	one := NewTelling(0)
	if len(b) > MaxTell {
		return one
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bytes+tellHeader+len(b) > maxTells {
		return one
	}
	t.last = max(t.last+1, time.Since(t.start))
	frame := append(make([]byte, 0, tellHeader+len(b)), frameTell, 0, 0, 0, 0, 0, 0, 0, 0)
	frame = binary.BigEndian.AppendUint64(frame, uint64(t.last))
	frame = append(frame, b...)
	t.waiting = append(t.waiting, frame)
	t.bytes += len(frame)
	t.open[t.last] = one
	if t.order = append(t.order, t.last); len(t.order) > maxOpen {
		delete(t.open, t.order[0])
		t.order = t.order[1:]
	}
	signal(t.wake)
	return one
}

func (t *tells) take() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.waiting
	t.waiting, t.bytes = nil, 0
	return taken
}

// told notes an answer of the leader's of a term.
func (t *tells) told(term, when uint64) {
	at := time.Duration(when)
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.open[at]
	if one == nil {
		return // it was answered before, or is of an earlier life of this process
	}
	delete(t.open, at)
	one.term = term
	close(one.answered)
	t.heard.Store(max(t.heard.Load(), int64(at)))
}

// tell sends what waits to the leader. Where there is none, or we lead, there is
// nobody to tell it.
func (l *loop) tell() {
	to, ok := l.peers.numberOf(l.leader)
	for _, frame := range l.tells.take() {
		if ok && !l.leading {
			binary.BigEndian.PutUint64(frame[1:], l.term)
			l.peers.sendFrame(to, frame)
		}
	}
}

// receiveTell takes what a follower told the leader of this term, and
// receiveTold the leader's answer.
func (l *loop) receiveTell(from int, b []byte) {
	if len(b) < tellHeader || !l.leading || binary.BigEndian.Uint64(b[1:]) != l.term {
		return
	}
	if l.hear != nil && !l.hear(from, l.term, b[tellHeader:]) {
		return
	}
	answer := append([]byte{frameTold}, b[1:tellHeader]...)
	l.peers.sendFrame(from, answer)
}

func (l *loop) receiveTold(b []byte) {
	if len(b) == tellHeader && binary.BigEndian.Uint64(b[1:]) == l.term {
		l.tells.told(l.term, binary.BigEndian.Uint64(b[9:]))
	}
}

// Tell sends b to the leader of the present term, whose [Config].Hear is given
// it. It may be lost, and come late or twice, but in no other term. On the leader
// it does nothing. It does not block, and copies b, which may have MaxTell bytes.
// What it gives says whether it is known to have been heard.
func (n *Node) Tell(b []byte) *Telling { return n.tells.add(b) }

// Heard is when the newest Tell was made that the leader is known to have heard.
// It is the zero time if there is none. A follower that hears from the leader but
// is not heard itself finds out by it.
func (n *Node) Heard() time.Time {
	at := n.tells.heard.Load()
	if at == 0 {
		return time.Time{}
	}
	return n.tells.start.Add(time.Duration(at))
}
