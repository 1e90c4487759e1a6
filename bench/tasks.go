package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"golang.org/x/sync/errgroup"
)

// idleTasks is how many tasks the idle latency is measured with at most.
const idleTasks = 300

// measureLatency runs n tasks, atOnce at a time, each of them submitted when
// one before it has ended.
func measureLatency(ctx context.Context, c *submit.Client, spec coordinator.Spec, n, atOnce int) (Latency, error) {
	const warm = 20 // connections, caches, a first assignment
	took := make([]time.Duration, max(warm, atOnce)+n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range took {
		g.Go(func() error {
			start := time.Now()
			h, err := c.Submit(ctx, spec)
			if err != nil {
				return err
			}
			r, err := h.Wait(ctx)
			if err != nil {
				return err
			}
			took[i] = time.Since(start)
			if r.Status != coordinator.StatusDone {
				return notDone(ctx, h)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return Latency{}, err
	}
	return newLatency(took[len(took)-n:]), nil
}

// measureTasks runs n tasks, submitted as fast as they go in.
func measureTasks(ctx context.Context, c *submit.Client, s *coordinator.Session, spec coordinator.Spec, n int) (Rate, error) {
	start := time.Now()
	handles, err := c.SubmitMany(ctx, slices.Repeat([]coordinator.Spec{spec}, n))
	if err != nil {
		return Rate{}, err
	}
	if err := wait(ctx, c, handles[n-1].ID()); err != nil {
		return Rate{}, err
	}
	end, err := lastStatus(ctx, c, s, handles)
	return Rate{Count: n, Took: end.Sub(start)}, err
}

// wait waits until a task has ended. One that is gone was deleted as one of the
// oldest of those that have; a new handle looks for it first.
func wait(ctx context.Context, c *submit.Client, id coordinator.TaskID) error {
	_, err := c.Handle(id).Wait(ctx)
	if errors.Is(err, submit.ErrNoTask) {
		return nil
	}
	return err
}

// lastStatus waits until all have ended and returns when the last status was
// recorded. That one is there to be read however many are retained, as the
// newest are. A task that did not end well is an error.
func lastStatus(ctx context.Context, c *submit.Client, s *coordinator.Session, handles []*submit.Handle) (time.Time, error) {
	var mu sync.Mutex // protects last
	var last time.Time
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(64)
	for _, h := range handles {
		g.Go(func() error {
			data, stat, err := s.Get(ctx, coordinator.StatusPath(h.ID()))
			if errors.Is(err, coordinator.ErrNoNode) { // few: the last one has ended
				if err := wait(ctx, c, h.ID()); err != nil {
					return err
				}
				data, stat, err = s.Get(ctx, coordinator.StatusPath(h.ID()))
			}
			if errors.Is(err, coordinator.ErrNoNode) {
				return nil // it has ended and was deleted
			}
			if err != nil {
				return fmt.Errorf("bench: read the status of %s: %w", h.ID(), err)
			}
			if status := coordinator.ParseStatus(data); status != coordinator.StatusDone {
				return notDone(ctx, h)
			}
			mu.Lock()
			defer mu.Unlock()
			if stat.Ctime.After(last) {
				last = stat.Ctime
			}
			return nil
		})
	}
	return last, g.Wait()
}

// notDone is why a task did not end well.
func notDone(ctx context.Context, h *submit.Handle) error {
	r, err := h.Result(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("bench: a task ended as %s: %s", r.Status, r.Explain())
}
