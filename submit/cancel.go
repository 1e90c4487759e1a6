package submit

import (
	"context"
	"errors"
	"fmt"

	"github.com/mwqueue/mw/coordinator"
)

// ErrFinal: the task had ended before it could be cancelled.
var ErrFinal = errors.New("submit: task has ended already")

// Cancel asks the master to end the task and returns once that is recorded:
// the task has the status cancelled, and if it was running, its worker has
// been told to stop it. It waits for a master as long as there is none.
//
// The request is a task too, so it survives us: when ctx ends first, the
// master still carries it out. The error wraps [ErrFinal] when the task ended
// by itself first, [ErrNoTask] when there is none.
func (h *Handle) Cancel(ctx context.Context) error {
	switch _, err := h.Result(ctx); {
	case err == nil:
		return fmt.Errorf("submit: cancel %s: %w", h.id, ErrFinal)
	case !errors.Is(err, ErrNotEnded):
		return err
	}
	control, err := h.c.Submit(ctx, coordinator.Spec{Control: "cancel", Task: h.id})
	if err != nil {
		return fmt.Errorf("submit: cancel %s: %w", h.id, err)
	}
	r, err := control.Wait(ctx)
	if err != nil {
		return fmt.Errorf("submit: cancel %s: %w", h.id, err)
	}
	if r.Status == coordinator.StatusDone {
		return nil
	}
	if _, err := h.Result(ctx); err == nil {
		return fmt.Errorf("submit: cancel %s: %w", h.id, ErrFinal)
	}
	return fmt.Errorf("submit: cancel %s: the master answered %q to %s", h.id, r.Status, control.id)
}
