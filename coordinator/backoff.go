package coordinator

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

// backoff counts how long to wait before trying again: longer each time, with
// jitter.
type backoff struct {
	first time.Duration // 0: minBackoff
	last  time.Duration // 0: has not waited yet
}

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 3 * time.Second
)

// wait blocks for the next pause, or until ctx ends: then it returns the cause.
func (b *backoff) wait(ctx context.Context) error {
	timer := time.NewTimer(b.next())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next returns the next pause.
func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, cmp.Or(b.first, minBackoff)), maxBackoff)
	return jitter(b.last)
}

// jitter spreads d over ±50 %, so that clients who lost the same server do
// not come back together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1)
}
