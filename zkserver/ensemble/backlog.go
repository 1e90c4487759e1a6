package ensemble

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// A backlog holds the commands of this member that are not applied yet: first
// those that are on their way, in a batch of ours or in a frame to the leader,
// then those that wait for it. Many goroutines add to it; the raft loop takes
// from it; the apply thread removes what is done.
//
// Invariant: what is on its way was all sent in one term. When the first entry
// of a later term is applied here, none of it will ever be applied any more
// (package doc, "Guarantees"), and it waits again, before the others. So a
// command is never executed twice, and those of one member keep their order.
type backlog struct {
	limit int // bytes of what waits

	// wake has a token when there is something to take.
	wake chan struct{}

	mu       sync.Mutex // protects the fields below
	origin   uint64
	commands []Command // from head to next they are on their way, then they wait
	head     int
	next     int
	sentIn   uint64        // the term of those on their way
	bytes    int           // of what waits
	room     chan struct{} // closed, and replaced, when there is room again; nil if nobody waits
}

func newBacklog(limit int) *backlog {
	return &backlog{limit: limit, wake: make(chan struct{}, 1), origin: random()}
}

// number gives the origin of the commands that are added now.
func (q *backlog) number() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.origin
}

// add queues a command. While the backlog is full it waits, until ctx ends or
// stopped is closed.
func (q *backlog) add(ctx context.Context, stopped <-chan struct{}, p Proposal) error {
	for {
		room, err := q.tryAdd(p)
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-stopped:
			return ErrStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tryAdd queues a command, or gives a channel that is closed when it makes
// sense to try again.
func (q *backlog) tryAdd(p Proposal) (room <-chan struct{}, err error) {
	q.mu.Lock()
	if p.Origin != 0 && p.Origin != q.origin {
		q.mu.Unlock()
		return nil, ErrForgotten
	}
	c := Command{Origin: q.origin, Seq: p.Seq, Data: p.Data}
	if q.bytes > 0 && q.bytes+c.bytes() > q.limit {
		defer q.mu.Unlock()
		if q.room == nil {
			q.room = make(chan struct{})
		}
		return q.room, nil
	}
	q.commands = append(q.commands, c)
	q.bytes += c.bytes()
	first := len(q.commands) == q.next+1
	q.mu.Unlock()
	if first {
		signal(q.wake)
	}
	return nil, nil
}

// peek gives the commands that may be sent in a term, as many as go into limit
// bytes, but at least one if any may be sent. They stay where they are.
func (q *backlog) peek(term uint64, limit int) []Command {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next > q.head && q.sentIn != term {
		return nil // it is not known yet what has become of those before
	}
	waiting := q.commands[q.next:]
	n := cutBatch(waiting, limit)
	return waiting[:n:n]
}

// sent notes that the first n commands which waited are on their way. What
// peek gave must not be used any more.
func (q *backlog) sent(n int, origin, term uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n == 0 || q.origin != origin {
		return // nothing was sent, or it was forgotten meanwhile
	}
	for _, c := range q.commands[q.next : q.next+n] {
		q.bytes -= c.bytes()
	}
	q.next += n
	q.sentIn = term
	if q.head > len(q.commands)/2 {
		q.commands = slices.Delete(q.commands, 0, q.head)
		q.head, q.next = 0, q.next-q.head
	}
	q.makeRoomLocked()
}

func (q *backlog) makeRoomLocked() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// underWay is how many commands were sent and are not applied yet.
func (q *backlog) underWay() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.next - q.head
}

// applied removes those of the commands that are ours: they are done.
func (q *backlog) applied(commands []Command) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range commands {
		c := &commands[i]
		if c.Origin != q.origin {
			continue
		}
		if q.head == q.next || q.commands[q.head].Seq != c.Seq {
			panic(fmt.Sprintf("ensemble: command %d of this member was applied out of turn", c.Seq))
		}
		q.commands[q.head] = Command{} // lets go of the data
		q.head++
	}
}

// begin notes that the first entry of a term is applied: what was sent in an
// earlier one and is not applied never will be, and is sent again.
func (q *backlog) begin(term uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == q.next || q.sentIn >= term {
		return
	}
	for _, c := range q.commands[q.head:q.next] {
		q.bytes += c.bytes()
	}
	q.next = q.head
	signal(q.wake)
}

// forget drops all commands, since it is not known which of them were applied,
// and gives those that are added from now on another origin.
func (q *backlog) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.commands, q.head, q.next, q.bytes = nil, 0, 0, 0
	q.origin = random()
	q.makeRoomLocked()
}

// signal puts a token into a channel with room for one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
