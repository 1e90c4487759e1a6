package submit

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/mwqueue/mw/coordinator"
)

// ErrNoAttempt: the task has had no attempt with that number yet.
var ErrNoAttempt = errors.New("submit: no such attempt")

// AttemptOutput writes what an attempt of the task has printed on stream to w:
// of one that has ended as [Handle.Output] does of the last, of the one that
// runs what there is so far. The error wraps [ErrNoAttempt] or [ErrNoTask] when
// there is nothing to ask for.
func (h *Handle) AttemptOutput(ctx context.Context, number int, stream Stream, w io.Writer) error {
	var a coordinator.Attempt
	err := h.c.with(ctx, func(s *coordinator.Session) error {
		data, _, err := s.Get(ctx, coordinator.AttemptPath(h.id, number))
		a = coordinator.ParseAttemptData(data)
		return err
	})
	switch {
	case errors.Is(err, coordinator.ErrNoNode):
		return h.currentOutput(ctx, number, stream, w)
	case err != nil:
		return fmt.Errorf("submit: %s: %w", h.id, err)
	}
	return h.Output(ctx, Result{ID: h.id, Attempts: number, Last: a}, stream, w)
}

// currentOutput is AttemptOutput for an attempt that has not ended, if it is there.
func (h *Handle) currentOutput(ctx context.Context, number int, stream Stream, w io.Writer) error {
	if _, err := h.Result(ctx); errors.Is(err, ErrNoTask) {
		return err
	}
	p, err := h.where(ctx)
	if err != nil {
		return err
	}
	if p.attempt != number || p.addr == "" {
		return fmt.Errorf("submit: %s: %w: %d", h.id, ErrNoAttempt, number)
	}
	err = h.get(ctx, p.addr, number, stream, 0, false, w)
	if errors.Is(err, errNone) {
		return nil // assigned, and waiting for a slot
	}
	return err
}
