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
	frameTell  = 7
	frameTold  = 8
	tellHeader = 1 + 8 + 8

	// MaxTell is the most that can be told at once, in bytes.
	MaxTell = 256 << 10

	// maxTells is how much may wait to be sent. What is told beyond that is
	// lost.
	maxTells = 4 << 20
)

// tells are what this member has to tell the leader.
type tells struct {
	start time.Time     // zero of its clock
	wake  chan struct{} // has a token when there is something to take
	heard atomic.Int64  // when the newest Tell that was answered was sent; 0 is never

	mu      sync.Mutex // protects the fields below
	waiting [][]byte   // frames, the term to be filled in
	bytes   int
}

func newTells() *tells { return &tells{start: time.Now(), wake: make(chan struct{}, 1)} }

func (t *tells) add(b []byte) time.Time {
	at := max(1, time.Since(t.start))
	if len(b) > MaxTell {
		return t.start.Add(at)
	}
	frame := append(make([]byte, 0, tellHeader+len(b)), frameTell, 0, 0, 0, 0, 0, 0, 0, 0)
	frame = binary.BigEndian.AppendUint64(frame, uint64(at))
	frame = append(frame, b...)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bytes+len(frame) > maxTells {
		return t.start.Add(at)
	}
	t.waiting = append(t.waiting, frame)
	t.bytes += len(frame)
	signal(t.wake)
	return t.start.Add(at)
}

func (t *tells) take() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.waiting
	t.waiting, t.bytes = nil, 0
	return taken
}

// told notes an answer of the leader's.
func (t *tells) told(when uint64) {
	if at := int64(when); at > t.heard.Load() && time.Duration(at) <= time.Since(t.start) {
		t.heard.Store(at)
	}
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
	if l.hear != nil {
		l.hear(from, l.term, b[tellHeader:])
	}
	answer := append([]byte{frameTold}, b[1:tellHeader]...)
	l.peers.sendFrame(from, answer)
}

func (l *loop) receiveTold(b []byte) {
	if len(b) == tellHeader && binary.BigEndian.Uint64(b[1:]) == l.term {
		l.tells.told(binary.BigEndian.Uint64(b[9:]))
	}
}

// Tell sends b to the leader of the present term, whose [Config].Hear is given
// it. It may be lost, and come late or twice, but in no other term. On the leader
// it does nothing. It does not block, and copies b, which may have MaxTell bytes.
// It gives what [Node.Heard] will be once it is known to have been heard.
func (n *Node) Tell(b []byte) time.Time { return n.tells.add(b) }

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
