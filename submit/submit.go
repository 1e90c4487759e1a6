package submit

import (
	"context"
	"errors"
	"fmt"

	"github.com/mwqueue/mw/coordinator"
)

// An UnknownError says that ctx ended, or the tasks that could have told were
// deleted, before it was known whether a task was created. It wraps
// coordinator.ErrUnknownOutcome. Submitting again with the same Key is safe.
type UnknownError struct {
	Key string
	Err error
}

func (e *UnknownError) Error() string { return "submit: " + e.Err.Error() }
func (e *UnknownError) Unwrap() error { return e.Err }

// Submit puts a task in the queue and returns once the service has it on
// disk. It goes on through lost connections, sessions and replies until ctx
// ends, and creates one task however often it had to try. Does the context
// end while the outcome is unknown, the error is an [UnknownError].
//
// A spec without a Key gets a UUID. With a Key of the caller's, Submit first
// looks for a task with that key and returns it if there is one: a repeat,
// from any process, finds the first task for as long as it is kept.
func (c *Client) Submit(ctx context.Context, spec coordinator.Spec) (*Handle, error) {
	batches, err := newBatches([]coordinator.Spec{spec})
	if err != nil {
		return nil, err
	}
	ids, err := c.create(ctx, batches[0])
	if err != nil {
		return nil, err
	}
	return c.submitted(ids[0]), nil
}

// create creates the batch's tasks, once.
func (c *Client) create(ctx context.Context, b *batch) ([]coordinator.TaskID, error) {
	var pause backoff
	var doubt view // known while a create sent at it may have happened
	for {
		ids, err := c.try(ctx, b, &doubt)
		if err == nil && ids != nil {
			return ids, nil
		}
		if err != nil && !again(err) {
			return nil, unknown(b, doubt, err)
		}
		if !pause.wait(ctx) {
			if err == nil {
				err = coordinator.ErrBadVersion
			}
			return nil, unknown(b, doubt, fmt.Errorf("%w: last: %w", context.Cause(ctx), err))
		}
	}
}

// try does one round: settle what is in doubt, then create. No IDs and no
// error means that the create was refused because /tasks has moved on.
func (c *Client) try(ctx context.Context, b *batch, doubt *view) ([]coordinator.TaskID, error) {
	s, err := c.sessions.Session(ctx)
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	if doubt.known {
		ids, err := c.settle(ctx, s, b, *doubt)
		if err != nil {
			return nil, err
		}
		*doubt = view{}
		if ids != nil {
			return ids, nil
		}
	}
	var ids []coordinator.TaskID
	var v view
	if b.given {
		ids, v, err = c.lookUp(ctx, s, b)
	} else {
		v, err = c.currentView(ctx, s)
	}
	if err != nil || ids != nil {
		return ids, err
	}
	results, err := s.Multi(ctx, b.multi(v)...)
	return c.answer(ctx, s, b, v, results, err, doubt)
}

// answer makes of a multi's answer what try returns.
func (c *Client) answer(ctx context.Context, s *coordinator.Session, b *batch, v view, results []coordinator.OpResult, err error, doubt *view) ([]coordinator.TaskID, error) {
	if errors.Is(err, coordinator.ErrUnknownOutcome) {
		*doubt = v
		return nil, fmt.Errorf("submit: create a task: %w", err)
	}
	if errors.Is(err, coordinator.ErrBadVersion) || errors.Is(err, coordinator.ErrNoNode) {
		return nil, c.forget(ctx, s, v)
	}
	if err != nil {
		return nil, fmt.Errorf("submit: create a task: %w", err)
	}
	ids, err := b.created(results)
	if err != nil {
		return nil, err
	}
	if n, ok := ids[len(ids)-1].Seq(); ok {
		c.advance(n)
	}
	return ids, nil
}

// again reports whether a round that ended with err is worth another.
func again(err error) bool {
	return passing(err) || errors.Is(err, coordinator.ErrUnknownOutcome) && !errors.Is(err, errDeleted)
}

// unknown makes err an UnknownError when a create is in doubt.
func unknown(b *batch, doubt view, err error) error {
	if !doubt.known {
		return err
	}
	if !errors.Is(err, coordinator.ErrUnknownOutcome) {
		err = fmt.Errorf("%w: %w", coordinator.ErrUnknownOutcome, err)
	}
	return &UnknownError{Key: b.keys[0], Err: err}
}
