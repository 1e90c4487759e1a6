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
	request, err := h.RequestCancel(ctx)
	if err != nil {
		return err
	}
	return h.AwaitCancel(ctx, request)
}

// RequestCancel is the first half of [Handle.Cancel]: it puts the request into
// the queue and returns it, to be given to [Handle.AwaitCancel]. From then on
// the first master that leads carries it out, whether we wait or not.
func (h *Handle) RequestCancel(ctx context.Context) (*Handle, error) {
	switch _, err := h.Result(ctx); {
	case err == nil:
		return nil, fmt.Errorf("submit: cancel %s: %w", h.id, ErrFinal)
	case !errors.Is(err, ErrNotEnded):
		return nil, err
	}
	request, err := h.c.Submit(ctx, coordinator.Spec{Control: "cancel", Task: h.id})
	if err != nil {
		return nil, fmt.Errorf("submit: cancel %s: %w", h.id, err)
	}
	return request, nil
}

// AwaitCancel is the second half of [Handle.Cancel]: it waits until a master
// has answered the request.
func (h *Handle) AwaitCancel(ctx context.Context, request *Handle) error {
	r, err := request.Wait(ctx)
	if err != nil {
		return fmt.Errorf("submit: cancel %s: %w", h.id, err)
	}
	if r.Status == coordinator.StatusDone {
		return nil
	}
	if _, err := h.Result(ctx); err == nil {
		return fmt.Errorf("submit: cancel %s: %w", h.id, ErrFinal)
	}
	return fmt.Errorf("submit: cancel %s: the master answered %q to %s", h.id, r.Status, request.id)
}
