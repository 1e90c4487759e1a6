package submit

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// readOwners returns which instance each assigned task is assigned to.
func readOwners(ctx context.Context, s *coordinator.Session) (map[coordinator.TaskID]string, error) {
	instances, err := children(ctx, s, coordinator.AssignPath)
	if err != nil {
		return nil, err
	}
	owners := make(map[coordinator.TaskID]string)
	var mu sync.Mutex // protects owners
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsInFlight)
	for _, instance := range instances {
		g.Go(func() error {
			ids, err := children(ctx, s, coordinator.AssignmentsPath(instance))
			mu.Lock()
			defer mu.Unlock()
			for _, id := range ids {
				owners[coordinator.TaskID(id)] = instance
			}
			return err
		})
	}
	return owners, g.Wait()
}

// readTasks reads ids, in their order, without their attempts. Tasks deleted
// since they were listed are left out.
func readTasks(ctx context.Context, s *coordinator.Session, ids []coordinator.TaskID, owners map[coordinator.TaskID]string) ([]Task, error) {
	tasks := make([]Task, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsInFlight)
	for i, id := range ids {
		g.Go(func() (err error) {
			tasks[i], err = readTask(ctx, s, id, owners[id])
			switch {
			case errors.Is(err, ErrNoTask):
				tasks[i], err = Task{}, nil
			case errors.Is(err, coordinator.ErrNoAuth): // no reason to show none of the others
				tasks[i], err = Task{ID: id, State: StateUnreadable, Worker: owners[id]}, nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(tasks, func(t Task) bool { return t.ID == "" }), nil
}

// readTask reads a task and its status, but not its attempts.
func readTask(ctx context.Context, s *coordinator.Session, id coordinator.TaskID, owner string) (Task, error) {
	t := Task{ID: id, State: StateWaiting, Worker: owner}
	data, stat, err := s.Get(ctx, coordinator.TaskPath(id))
	if errors.Is(err, coordinator.ErrNoNode) {
		return t, ErrNoTask
	}
	if err != nil {
		return t, err
	}
	t.Submitted = stat.Ctime
	if t.Spec, err = coordinator.ParseSpec(data); err != nil {
		t.Spec = coordinator.Spec{Shell: string(data)}
	}
	if owner != "" {
		t.State = StateAssigned
	}
	if stat.NumChildren == 0 {
		return t, nil
	}
	names, err := children(ctx, s, coordinator.TaskPath(id))
	if err != nil {
		return t, err
	}
	t.Attempts = coordinator.LastAttempt(names)
	if !slices.Contains(names, coordinator.StatusName) {
		return t, nil
	}
	data, stat, err = s.Get(ctx, coordinator.StatusPath(id))
	if errors.Is(err, coordinator.ErrNoNode) {
		return t, ErrNoTask
	}
	t.State, t.Ended = string(coordinator.ParseStatus(data)), stat.Ctime
	return t, err
}

// readLast fills in the last attempt of each task that has one.
func readLast(ctx context.Context, s *coordinator.Session, tasks []Task) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsInFlight)
	for i := range tasks {
		t := &tasks[i]
		if t.Attempts == 0 {
			continue
		}
		g.Go(func() error {
			data, _, err := s.Get(ctx, coordinator.AttemptPath(t.ID, t.Attempts))
			if errors.Is(err, coordinator.ErrNoNode) || errors.Is(err, coordinator.ErrNoAuth) {
				return nil // deleted meanwhile, or not for us
			}
			t.Last = coordinator.ParseAttemptData(data)
			if t.Worker == "" {
				t.Worker = t.Last.Worker
			}
			return err
		})
	}
	return g.Wait()
}

// readAttempts reads all finished attempts of a task, the oldest first.
func readAttempts(ctx context.Context, s *coordinator.Session, id coordinator.TaskID) ([]Attempt, error) {
	names, err := children(ctx, s, coordinator.TaskPath(id))
	if err != nil {
		return nil, err
	}
	var attempts []Attempt
	for _, name := range names {
		n, ok := coordinator.ParseAttempt(name)
		if !ok {
			continue
		}
		data, _, err := s.Get(ctx, coordinator.AttemptPath(id, n))
		if errors.Is(err, coordinator.ErrNoNode) {
			continue
		}
		if err != nil {
			return nil, err
		}
		attempts = append(attempts, Attempt{Number: n, Attempt: coordinator.ParseAttemptData(data)})
	}
	slices.SortFunc(attempts, func(a, b Attempt) int { return a.Number - b.Number })
	return attempts, nil
}
