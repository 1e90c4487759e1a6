package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// marker is what marking needs of a session.
type marker interface {
	Get(ctx context.Context, path string) ([]byte, coordinator.Stat, error)
	Set(ctx context.Context, path string, data []byte, version int32) (coordinator.Stat, error)
	Sync(ctx context.Context, path string) error
}

// mark writes into an attempt's assignment that it starts, if that is to be
// told from never having started: of a task that was lost before. It blocks
// until that is written. The error says that it is not, or that the assignment
// is not ours any more: then the attempt must not be made.
func mark(ctx context.Context, s marker, a *attempt) error {
	if !a.assigned.Marked() {
		return nil
	}
	marked := a.assigned
	marked.Started = time.Now().UnixMilli()
	marked.Alone = marked.Suspect() // see slots.start
	path := coordinator.AssignmentPath(a.instance, a.task)
	pause := coordinator.Backoff{First: firstPause, Most: lastPause}
	for {
		stat, err := s.Set(ctx, path, marked.Encode(), coordinator.AnyVersion)
		if errors.Is(err, coordinator.ErrUnknownOutcome) {
			stat, err = isMarked(ctx, s, path, marked)
		}
		switch {
		case err == nil && stat.Czxid == a.fence:
			a.assigned = marked
			return nil
		case err == nil || errors.Is(err, coordinator.ErrNoNode):
			return fmt.Errorf("mark %s: %w", path, ErrMoved)
		case !passes(err) || ctx.Err() != nil:
			return fmt.Errorf("mark %s: %w", path, err)
		}
		if err := pause.Wait(ctx); err != nil {
			return fmt.Errorf("mark %s: %w", path, err)
		}
	}
}

// isMarked finds out whether a mark was written whose answer was lost: if not,
// the error is still that the outcome is unknown.
func isMarked(ctx context.Context, s marker, path string, marked coordinator.Assignment) (coordinator.Stat, error) {
	if err := s.Sync(ctx, path); err != nil {
		return coordinator.Stat{}, err
	}
	data, stat, err := s.Get(ctx, path)
	if err == nil && coordinator.ParseAssignment(data) != marked {
		err = coordinator.ErrUnknownOutcome
	}
	return stat, err
}

// passes reports whether what refused a write may pass.
func passes(err error) bool {
	return errors.Is(err, coordinator.ErrUnknownOutcome) || errors.Is(err, coordinator.ErrNoServer) ||
		errors.Is(err, coordinator.ErrTryLater)
}
