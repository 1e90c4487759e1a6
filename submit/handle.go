package submit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// ErrNoTask: there is no such task, or it has been deleted since it ended.
var ErrNoTask = errors.New("submit: no such task")

// errForgotten is that of a task which we created.
var errForgotten = fmt.Errorf("%w any more: it was accepted, and deleted before its outcome was read", ErrNoTask)

// ErrNotEnded: the task has no status yet.
var ErrNotEnded = errors.New("submit: task has not ended")

// A Handle is one task of a client. It is safe for concurrent use.
type Handle struct {
	c     *Client
	id    coordinator.TaskID
	fresh bool // we created it just now: it need not be looked for first
}

// Handle returns a handle of a task that may or may not exist.
func (c *Client) Handle(id coordinator.TaskID) *Handle { return &Handle{c: c, id: id} }

func (c *Client) submitted(id coordinator.TaskID) *Handle {
	return &Handle{c: c, id: id, fresh: true}
}

// ID returns the task's ID.
func (h *Handle) ID() coordinator.TaskID { return h.id }

// Wait returns the task's result once its status is recorded. It waits on a
// watch, through lost sessions and failovers, until ctx ends. The error wraps
// [ErrNoTask] when the task does not exist or was deleted while we were away.
func (h *Handle) Wait(ctx context.Context) (Result, error) {
	if !h.fresh {
		if r, err := h.Result(ctx); !errors.Is(err, ErrNotEnded) {
			return r, err
		}
	}
	for {
		if h.c.turns.take(ctx) {
			err := h.watch(ctx)
			h.c.turns.give()
			if err != nil && ctx.Err() == nil {
				return Result{}, fmt.Errorf("submit: wait for %s: %w", h.id, err)
			}
		}
		if ctx.Err() != nil {
			return Result{}, fmt.Errorf("submit: wait for %s: %w", h.id, context.Cause(ctx))
		}
		if r, err := h.Result(ctx); !errors.Is(err, ErrNotEnded) {
			return r, err
		}
	}
}

// errLook ends a watch when it is time to see whether the task still exists:
// a status that was written and deleted while we had no session never shows.
var errLook = errors.New("submit: time to look")

// watch returns when the status exists, or after about a minute.
func (h *Handle) watch(ctx context.Context) error {
	minute := 50*time.Second + rand.N(20*time.Second)
	watching, cancel := context.WithTimeoutCause(ctx, minute, errLook)
	defer cancel()
	err := h.c.with(watching, func(s *coordinator.Session) error {
		return s.AwaitExists(watching, coordinator.StatusPath(h.id))
	})
	if watching.Err() != nil {
		return nil // Wait asks ctx itself
	}
	return err
}

// Result returns the task's result without waiting for it. The error wraps
// [ErrNotEnded] or [ErrNoTask] when there is none.
func (h *Handle) Result(ctx context.Context) (Result, error) {
	var r Result
	err := h.c.with(ctx, func(s *coordinator.Session) (err error) {
		r, err = readResult(ctx, s, h.id)
		return err
	})
	if h.fresh && errors.Is(err, ErrNoTask) {
		err = errForgotten
	}
	if err != nil {
		return Result{}, fmt.Errorf("submit: %s: %w", h.id, err)
	}
	return r, nil
}

// readResult reads a final status and the last attempt.
func readResult(ctx context.Context, s *coordinator.Session, id coordinator.TaskID) (Result, error) {
	names, _, err := s.Children(ctx, coordinator.TaskPath(id))
	if errors.Is(err, coordinator.ErrNoNode) {
		return Result{}, ErrNoTask
	}
	if err != nil {
		return Result{}, err
	}
	r := Result{ID: id, Attempts: coordinator.LastAttempt(names)}
	if !slices.Contains(names, coordinator.StatusName) {
		return r, ErrNotEnded
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		data, stat, err := s.Get(ctx, coordinator.StatusPath(id))
		r.Status, r.Ended = coordinator.ParseStatus(data), stat.Ctime
		return err
	})
	if r.Attempts > 0 {
		g.Go(func() error {
			data, _, err := s.Get(ctx, coordinator.AttemptPath(id, r.Attempts))
			r.Last = coordinator.ParseAttemptData(data)
			return err
		})
	}
	err = g.Wait()
	if errors.Is(err, coordinator.ErrNoNode) {
		return Result{}, ErrNoTask // deleted since it was listed
	}
	return r, err
}
