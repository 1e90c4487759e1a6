package submit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// Current is the attempt of a task that a worker has now: it runs, or waits
// for a slot there.
type Current struct {
	Number   int
	Worker   string    // the instance
	Assigned time.Time // by the service's clock
}

// Current returns the attempt that a worker has now, and the zero Current when
// none has: the task waits, or has ended.
func (h *Handle) Current(ctx context.Context) (Current, error) {
	var cur Current
	err := h.c.with(ctx, func(s *coordinator.Session) error {
		owners, err := readOwners(ctx, s)
		if err != nil || owners[h.id] == "" {
			cur = Current{}
			return err
		}
		cur, err = readCurrent(ctx, s, h.id, owners[h.id])
		if errors.Is(err, coordinator.ErrNoNode) {
			cur, err = Current{}, nil // ended or moved since it was listed
		}
		return err
	})
	if err != nil {
		return Current{}, fmt.Errorf("submit: %s: %w", h.id, err)
	}
	return cur, nil
}

// readCurrent reads the assignment of a task to an instance.
func readCurrent(ctx context.Context, s *coordinator.Session, id coordinator.TaskID, instance string) (Current, error) {
	data, stat, err := s.Get(ctx, coordinator.AssignmentPath(instance, id))
	if err != nil {
		return Current{}, err
	}
	cur := Current{Number: coordinator.ParseAssignment(data).Attempt, Worker: instance, Assigned: stat.Ctime}
	if cur.Number == 0 { // assigned by hand: the worker counts
		names, err := children(ctx, s, coordinator.TaskPath(id))
		if err != nil {
			return Current{}, err
		}
		cur.Number = coordinator.LastAttempt(names) + 1
	}
	return cur, nil
}

// Running asks the worker that has the task now whether its command has been
// started. It is false, too, when none has it; an error means that the worker
// cannot be asked.
func (h *Handle) Running(ctx context.Context) (bool, error) {
	p, err := h.where(ctx)
	if err != nil || p.addr == "" {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, h.outputURL(p.addr, p.attempt, Stdout), nil)
	if err != nil {
		return false, fmt.Errorf("submit: worker at %q: %w", p.addr, err)
	}
	resp, err := h.c.cfg.HTTP.Do(req)
	if err != nil {
		return false, fmt.Errorf("submit: worker at %s: %w", p.addr, cause(err))
	}
	resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusNotFound:
		return false, nil
	}
	return false, fmt.Errorf("submit: worker at %s: %w: %s", p.addr, errStatus, resp.Status)
}
