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

// idleTasks is how many tasks the idle latency is measured with.
const idleTasks = 300

// measureIdle runs no-op tasks, each submitted when the one before has ended.
func measureIdle(ctx context.Context, c *submit.Client, n int) (Latency, error) {
	const warm = 20 // connections, caches, a first assignment
	var took []time.Duration
	for range warm + n {
		start := time.Now()
		h, err := c.Submit(ctx, coordinator.Spec{Handler: noop})
		if err != nil {
			return Latency{}, err
		}
		r, err := h.Wait(ctx)
		if err != nil {
			return Latency{}, err
		}
		if r.Status != coordinator.StatusDone {
			return Latency{}, notDone(ctx, h)
		}
		took = append(took, time.Since(start))
	}
	return newLatency(took[warm:]), nil
}

// measureTasks runs n tasks, submitted as fast as they go in.
func measureTasks(ctx context.Context, c *submit.Client, s *coordinator.Session, spec coordinator.Spec, n int) (Rate, error) {
	start := time.Now()
	handles, err := c.SubmitMany(ctx, slices.Repeat([]coordinator.Spec{spec}, n))
	if err != nil {
		return Rate{}, err
	}
	if _, err := handles[n-1].Wait(ctx); err != nil {
		return Rate{}, err
	}
	end, err := lastStatus(ctx, s, handles)
	return Rate{Count: n, Took: end.Sub(start)}, err
}

// lastStatus waits until all have ended and returns when the last status was
// recorded. A task that did not end well is an error.
func lastStatus(ctx context.Context, s *coordinator.Session, handles []*submit.Handle) (time.Time, error) {
	var mu sync.Mutex // protects last
	var last time.Time
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(64)
	for _, h := range handles {
		g.Go(func() error {
			data, stat, err := s.Get(ctx, coordinator.StatusPath(h.ID()))
			if errors.Is(err, coordinator.ErrNoNode) { // few: the last one has ended
				if _, err := h.Wait(ctx); err != nil {
					return err
				}
				data, stat, err = s.Get(ctx, coordinator.StatusPath(h.ID()))
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
