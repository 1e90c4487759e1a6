package coordinator

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

// Backoff counts how long to wait before trying again: twice as long each
// time, each time ±50 % by chance, so that those who lost the same server do not
// come back together. The zero value is ready. It is not safe for concurrent use.
type Backoff struct {
	First time.Duration // default 50 ms
	Most  time.Duration // default 3 s

	last time.Duration // 0: has not waited yet
}

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 3 * time.Second
)

// Next returns the next pause.
func (b *Backoff) Next() time.Duration {
	b.last = min(max(2*b.last, cmp.Or(b.First, minBackoff)), cmp.Or(b.Most, maxBackoff))
	return jitter(b.last)
}

// Reset makes the next pause the first.
func (b *Backoff) Reset() { b.last = 0 }

// Wait blocks for the next pause, or until ctx ends: then it returns the cause.
func (b *Backoff) Wait(ctx context.Context) error {
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// jitter spreads d over ±50 %.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1)
}
