package zkserver

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// syncs runs the ReadIndexes that sync requests wait for. All that come while
// one is under way share the next.
type syncs struct {
	wake chan struct{} // has room for one; sent to by add, received by run

	mu      sync.Mutex // protects waiting
	waiting []*conn    // one entry per sync
}

func newSyncs() *syncs { return &syncs{wake: make(chan struct{}, 1)} }

// sync queues a sync: it is answered when it is the oldest and all that was
// committed when it came is applied here.
func (c *conn) sync(xid int32, o *op, body []byte) error {
	r := request{xid: xid, stage: syncing, op: o, body: slices.Clone(body), size: len(body), since: c.srv.clock()}
	if err := c.enqueue(r); err != nil {
		return err
	}
	c.srv.syncs.add(c)
	return nil
}

func (s *syncs) add(c *conn) {
	s.mu.Lock()
	s.waiting = append(s.waiting, c)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run serves syncs until ctx ends or readIndex fails.
func (s *syncs) run(ctx context.Context, readIndex func(context.Context) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		s.mu.Lock()
		batch := s.waiting
		s.waiting = nil
		s.mu.Unlock()
		if err := readIndex(ctx); err != nil {
			return ended(ctx, fmt.Errorf("sync: %w", err))
		}
		for _, c := range batch {
			c.synced()
		}
	}
}

func (c *conn) synced() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.synced()
	c.work.Signal()
}
