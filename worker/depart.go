package worker

import (
	"context"
	"errors"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

const (
	// departTime bounds how long an instance that has done its work tries to
	// leave the tree in good order. Then its session is closed all the same,
	// and what it was assigned meanwhile counts as lost.
	departTime = 5 * time.Second

	// departPause is how long it waits before it tries again.
	departPause = 50 * time.Millisecond
)

// tree is what departing needs of a session.
type tree interface {
	Multi(ctx context.Context, ops ...coordinator.Op) ([]coordinator.OpResult, error)
	Children(ctx context.Context, path string) ([]string, coordinator.Stat, error)
	Delete(ctx context.Context, path string, version int32) error
}

// depart takes an instance out of the tree: its registration and the parent of
// its assignments, in one multi. That is refused while something is assigned,
// and the master's next assignment is refused once it is done, so that nothing
// is ever assigned to a worker that is not there to hand it back.
//
// What came late is handed back. Tasks in keep are not: attempts of theirs
// have not ended, and the registration goes all the same.
func depart(ctx context.Context, s tree, instance string, keep map[coordinator.TaskID]bool) error {
	for {
		_, err := s.Multi(ctx,
			coordinator.DeleteOp(coordinator.WorkerPath(instance), coordinator.AnyVersion),
			coordinator.DeleteOp(coordinator.AssignmentsPath(instance), coordinator.AnyVersion))
		late := 0
		if errors.Is(err, coordinator.ErrNotEmpty) {
			late, err = handBackAll(ctx, s, instance, keep)
			if err == nil && late == 0 { // what is there is not for us to delete
				return deregister(ctx, s, instance, keep)
			}
		}
		switch {
		case late > 0: // try again at once
		case err == nil:
			return nil
		case errors.Is(err, coordinator.ErrNoNode): // by a try whose answer was lost, or by hand
			return deregister(ctx, s, instance, keep)
		default:
			select {
			case <-time.After(departPause):
			case <-ctx.Done():
				return err
			}
		}
	}
}

// deregister deletes the registration alone, and hands back what was assigned
// before that.
func deregister(ctx context.Context, s tree, instance string, keep map[coordinator.TaskID]bool) error {
	err := s.Delete(ctx, coordinator.WorkerPath(instance), coordinator.AnyVersion)
	if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
		return err
	}
	_, err = handBackAll(ctx, s, instance, keep)
	return err
}

// handBackAll deletes the assignments that are there, and says how many there
// were.
func handBackAll(ctx context.Context, s tree, instance string, keep map[coordinator.TaskID]bool) (n int, err error) {
	names, _, err := s.Children(ctx, coordinator.AssignmentsPath(instance))
	if errors.Is(err, coordinator.ErrNoNode) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	ids, _ := taskIDs(names)
	for _, id := range ids {
		if keep[id] {
			continue
		}
		err := s.Delete(ctx, coordinator.AssignmentPath(instance, id), coordinator.AnyVersion)
		if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
			return n, err
		}
		n++
	}
	return n, nil
}
