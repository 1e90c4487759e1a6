package submit

import (
	"context"
	"sync/atomic"
	"time"
)

// turns hands out a bounded number of watches, first come, first served.
type turns struct {
	taken   chan struct{} // one element a watch in use
	waiting atomic.Int64  // who asks for one now
}

func newTurns(n int) *turns { return &turns{taken: make(chan struct{}, n)} }

// take waits for a watch. It returns false without one when it is time to
// look instead, or when ctx has ended.
func (t *turns) take(ctx context.Context) bool {
	select {
	case t.taken <- struct{}{}:
		return true
	default:
	}
	waiting := t.waiting.Add(1)
	defer t.waiting.Add(-1)
	look := time.NewTimer(lookInterval(waiting))
	defer look.Stop()
	select {
	case t.taken <- struct{}{}:
		return true
	case <-look.C:
	case <-ctx.Done():
	}
	return false
}

func (t *turns) give() { <-t.taken }

// lookInterval is how often each of n handles without a watch looks: all
// together about 1,000 times a second, none more than once a second.
func lookInterval(n int64) time.Duration {
	return max(time.Second, time.Duration(n)*time.Millisecond)
}
