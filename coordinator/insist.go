package coordinator

import (
	"context"
	"errors"
	"time"
)

// Insist calls write until its error is not [ErrTryLater], with pauses that grow
// from 50 ms to 3 s, and returns that error. When ctx or the session ends first
// it returns the last error. The log gets one line, before the first pause.
//
// It does nothing about ErrUnknownOutcome, which only the writer can resolve.
func (s *Session) Insist(ctx context.Context, write func() error) error {
	var pause Backoff
	for {
		err := write()
		if !errors.Is(err, ErrTryLater) {
			return err
		}
		if pause.last == 0 {
			s.log.Warn().Err(err).Msg("service takes no writes for now, trying on")
		}
		if s.pause(ctx, &pause) != nil {
			return err
		}
	}
}

// insist is Insist for a write that gives a value.
func insist[T any](ctx context.Context, s *Session, write func() (T, error)) (T, error) {
	var v T
	err := s.Insist(ctx, func() (err error) {
		v, err = write()
		return err
	})
	return v, err
}

// pause waits out the next pause of b, or until ctx or the session ends: then
// it returns the cause.
func (s *Session) pause(ctx context.Context, b *Backoff) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}
