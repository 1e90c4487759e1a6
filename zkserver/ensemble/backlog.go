package ensemble

import (
	"context"
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
	commands []Command
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
	first := len(q.commands) == 1
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
	n := cutBatch(q.commands, q.batchLimit)
	return q.commands[:n:n]
}

// drop removes the first n commands, which are in a batch now.
func (q *backlog) drop(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.commands[:n] {
		q.bytes -= q.commands[i].bytes()
		q.commands[i] = Command{} // let go of the data
	}
	if q.commands = q.commands[n:]; len(q.commands) == 0 {
		q.commands = nil
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
