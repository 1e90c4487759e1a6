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
		err := markOnce(ctx, s, path, marked, a.fence)
		switch {
		case err == nil:
			a.assigned = marked
			return nil
		case !passes(err) || ctx.Err() != nil:
			return fmt.Errorf("mark %s: %w", path, err)
		}
		if err := pause.Wait(ctx); err != nil {
			return fmt.Errorf("mark %s: %w", path, err)
		}
	}
}

// markOnce writes the mark into the assignment that was made at fence, and into
// no other: one that was made again under that name is of another attempt. The
// service compares versions only, so one made between the reading and the writing
// is written to; it is not ours then, either.
//
// A mark is there already if an answer was lost: a read does not fall behind a
// write of this session that was refused, so that is found out in the end.
func markOnce(ctx context.Context, s marker, path string, marked coordinator.Assignment, fence int64) error {
	data, stat, err := s.Get(ctx, path)
	if err == nil && stat.Czxid == fence {
		if coordinator.ParseAssignment(data) == marked {
			return nil
		}
		stat, err = s.Set(ctx, path, marked.Encode(), stat.Version)
	}
	if errors.Is(err, coordinator.ErrNoNode) || err == nil && stat.Czxid != fence {
		return ErrMoved
	}
	return err
}

// passes reports whether what refused a write may pass. A bad version does:
// somebody has written since it was read.
func passes(err error) bool {
	return errors.Is(err, coordinator.ErrUnknownOutcome) || errors.Is(err, coordinator.ErrNoServer) ||
		errors.Is(err, coordinator.ErrTryLater) || errors.Is(err, coordinator.ErrBadVersion)
}
