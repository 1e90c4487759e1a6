package submit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// A Worker is one registration of a worker process, or what is left of it.
type Worker struct {
	Instance string
	coordinator.Registration
	Alive    bool      // registered now; else only its assignments are left
	Since    time.Time // when it registered, by the service's clock
	Assigned []coordinator.TaskID
}

// Workers lists the workers and what is assigned to each, by instance.
// Assignments of one that is gone wait for the master to move them.
func (c *Client) Workers(ctx context.Context) ([]Worker, error) {
	var workers []Worker
	err := c.with(ctx, func(s *coordinator.Session) (err error) {
		workers, err = readWorkers(ctx, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("submit: list workers: %w", err)
	}
	return workers, nil
}

func readWorkers(ctx context.Context, s *coordinator.Session) ([]Worker, error) {
	alive, err := children(ctx, s, coordinator.WorkersPath)
	if err != nil {
		return nil, err
	}
	owing, err := children(ctx, s, coordinator.AssignPath)
	if err != nil {
		return nil, err
	}
	instances := slices.Concat(alive, owing)
	slices.Sort(instances)
	instances = slices.Compact(instances)

	workers := make([]Worker, len(instances))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsInFlight)
	for i, instance := range instances {
		g.Go(func() (err error) {
			workers[i], err = readWorker(ctx, s, instance)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(workers, func(w Worker) bool {
		return !w.Alive && len(w.Assigned) == 0
	}), nil
}

func readWorker(ctx context.Context, s *coordinator.Session, instance string) (Worker, error) {
	w := Worker{Instance: instance}
	data, stat, err := s.Get(ctx, coordinator.WorkerPath(instance))
	switch {
	case err == nil:
		w.Registration, w.Alive, w.Since = coordinator.ParseRegistration(data), true, stat.Ctime
	case !errors.Is(err, coordinator.ErrNoNode):
		return w, err
	}
	if w.Name == "" {
		w.Name = instance
	}
	names, err := children(ctx, s, coordinator.AssignmentsPath(instance))
	for _, name := range names {
		w.Assigned = append(w.Assigned, coordinator.TaskID(name))
	}
	slices.SortFunc(w.Assigned, coordinator.CompareTaskIDs)
	return w, err
}

// children lists a znode's children; a missing znode has none.
func children(ctx context.Context, s *coordinator.Session, path string) ([]string, error) {
	names, _, err := s.Children(ctx, path)
	if errors.Is(err, coordinator.ErrNoNode) {
		return nil, nil
	}
	return names, err
}
