package ensemble

import (
	"context"
	"slices"
	"sync"
)

// A backlog holds the commands that are not yet in a batch. Many goroutines
// add to it; the raft loop takes from it.
type backlog struct {
	limit      int // bytes
	batchLimit int // bytes of a batch

	// wake has a token when there is something to take.
	wake chan struct{}

	mu       sync.Mutex // protects the fields below
	commands []Command  // waiting are those from taken on
	taken    int
	bytes    int
	room     chan struct{} // closed, and replaced, when there is room again; nil if nobody waits
}

func newBacklog(limit, batchLimit int) *backlog {
	return &backlog{limit: limit, batchLimit: batchLimit, wake: make(chan struct{}, 1)}
}

// add queues a command. While the backlog is full it waits, until ctx ends or
// stopped is closed.
func (q *backlog) add(ctx context.Context, stopped <-chan struct{}, c Command) error {
	for {
		room := q.tryAdd(c)
		if room == nil {
			return nil
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
func (q *backlog) tryAdd(c Command) <-chan struct{} {
	q.mu.Lock()
	if q.bytes > 0 && q.bytes+c.bytes() > q.limit {
		defer q.mu.Unlock()
		if q.room == nil {
			q.room = make(chan struct{})
		}
		return q.room
	}
	q.commands = append(q.commands, c)
	q.bytes += c.bytes()
	first := len(q.commands) == q.taken+1
	q.mu.Unlock()
	if first {
		signal(q.wake)
	}
	return nil
}

// peek gives the commands of the next batch. They stay in the backlog.
func (q *backlog) peek() []Command {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.commands[q.taken:]
	n := cutBatch(waiting, q.batchLimit)
	return waiting[:n:n]
}

// drop removes the first n commands, which are in a batch now. What peek gave
// must not be used any more.
func (q *backlog) drop(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped := q.commands[q.taken : q.taken+n]
	for _, c := range dropped {
		q.bytes -= c.bytes()
	}
	clear(dropped) // lets go of the data
	if q.taken += n; q.taken > len(q.commands)/2 {
		q.commands, q.taken = slices.Delete(q.commands, 0, q.taken), 0
	}
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// signal puts a token into a channel with room for one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
