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
// disk. It goes on through lost connections, sessions and replies, and while
// the service takes no writes (its disk is full), until ctx ends, and creates
// one task however often it had to try. Does the context
// end while the outcome is unknown, the error is an [UnknownError].
//
// A spec without a Key gets a UUID. With a Key of the caller's, Submit first
// looks for a task with that key and returns it if there is one: a repeat,
// from any process, finds the first task for as long as it is kept. When the
// task with that key is another one than spec, the error is a [KeyUsedError].
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
	return (&creation{c: c, b: b}).run(ctx)
}

// A creation is the way of one batch into the tree, over as many tries as it
// takes.
type creation struct {
	c *Client
	b *batch

	// doubt is the view at which a create was sent that may have happened. It
	// is known only from a lost reply until that is settled.
	doubt view
}

// run tries until the tasks are there, an error is final, or ctx ends.
func (cr *creation) run(ctx context.Context) ([]coordinator.TaskID, error) {
	pause := newBackoff()
	for {
		ids, err := cr.try(ctx)
		if err == nil {
			cr.c.refused.Store(false)
			return ids, nil
		}
		if !again(err) {
			return nil, cr.unsettled(err)
		}
		cr.c.tell(err)
		if pause.Wait(ctx) != nil {
			return nil, cr.unsettled(fmt.Errorf("%w: last: %w", context.Cause(ctx), err))
		}
	}
}

// again reports whether a try that ended with err is worth another.
func again(err error) bool {
	return passing(err) || errors.Is(err, errStale) || errors.Is(err, errTaken) ||
		errors.Is(err, coordinator.ErrUnknownOutcome) && !errors.Is(err, errDeleted)
}

// errStale: /tasks has moved on since the view at which the create was sent.
var errStale = errors.New("submit: others were submitting")

// errTaken: a znode that was made by hand has the next task's number.
var errTaken = errors.New("submit: the next number is taken")

// unsettled makes err an UnknownError when a create is in doubt.
func (cr *creation) unsettled(err error) error {
	if !cr.doubt.known {
		return err
	}
	if !errors.Is(err, coordinator.ErrUnknownOutcome) {
		err = fmt.Errorf("%w: %w", coordinator.ErrUnknownOutcome, err)
	}
	return &UnknownError{Key: cr.b.keys[0], Err: err}
}

// try does one round: settle what is in doubt, learn how /tasks looks, create.
func (cr *creation) try(ctx context.Context) ([]coordinator.TaskID, error) {
	s, err := cr.c.sessions.Session(ctx)
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	if err := cr.c.findRoot(ctx, s); err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	if cr.doubt.known {
		ids, err := cr.settle(ctx, s)
		if err != nil || ids != nil {
			return ids, err
		}
		cr.doubt = view{}
	}
	var ids []coordinator.TaskID
	var v view
	if cr.b.given {
		ids, v, err = cr.lookUp(ctx, s)
	} else {
		v, err = cr.c.currentView(ctx, s)
	}
	if err != nil || ids != nil {
		return ids, err
	}
	return cr.send(ctx, s, v)
}

// send creates the tasks if /tasks is still as v says.
func (cr *creation) send(ctx context.Context, s *coordinator.Session, v view) ([]coordinator.TaskID, error) {
	results, err := s.Multi(ctx, cr.b.multi(v)...)
	switch {
	case errors.Is(err, coordinator.ErrUnknownOutcome):
		cr.doubt = v
	case errors.Is(err, coordinator.ErrBadVersion), errors.Is(err, coordinator.ErrNoNode):
		if err = cr.c.forget(ctx, s, v); err == nil {
			return nil, errStale
		}
	case errors.Is(err, coordinator.ErrNodeExists):
		if m, ok := errors.AsType[*coordinator.MultiError](err); ok && cr.b.passOver(m.Index) {
			return nil, errTaken
		}
		err = fmt.Errorf("%w: znodes made by hand have the next tasks' numbers", err)
	}
	if err != nil {
		return nil, fmt.Errorf("submit: create a task: %w", err)
	}
	ids, err := cr.b.created(results)
	if err != nil {
		return nil, err
	}
	if n, ok := ids[len(ids)-1].Seq(); ok {
		cr.c.advance(v, n)
	}
	return ids, nil
}
