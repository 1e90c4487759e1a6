package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// readers is how many assignments are read at a time.
const readers = 32

// read is what was found of an assignment: an attempt to make, or nothing.
type read struct {
	owed    *owed
	attempt *attempt // nil: there is no such assignment
}

// readLoop reads assignments until ctx ends. A fixed number of goroutines run
// it.
func (i *instance) readLoop(ctx context.Context) {
	for {
		select {
		case o := <-i.toRead:
			a, err := i.readRetrying(ctx, o.task)
			if err != nil {
				return // the session ends
			}
			select {
			case i.haveRead <- read{o, a}:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// readRetrying is readAssignment until it has a definite answer.
func (i *instance) readRetrying(ctx context.Context, id coordinator.TaskID) (*attempt, error) {
	pause := coordinator.Backoff{First: firstPause, Most: lastPause}
	for {
		a, err := i.readAssignment(ctx, id)
		if err == nil || ctx.Err() != nil {
			return a, err
		}
		i.log.Warn().Str("task", string(id)).Err(err).Msg("assignment not read, will be tried again")
		if err := pause.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// readAssignment reads an assignment and its task, both at once, and makes an
// attempt of them; nil if the assignment is not there. What is wrong with the
// task becomes the attempt's fault, so that it is recorded and not met again.
func (i *instance) readAssignment(ctx context.Context, id coordinator.TaskID) (*attempt, error) {
	var assigned, spec []byte
	var stat coordinator.Stat
	var assignErr, specErr error
	var both errgroup.Group
	both.Go(func() error {
		assigned, stat, assignErr = i.s.Get(ctx, coordinator.AssignmentPath(i.name, id))
		return nil
	})
	spec, _, specErr = i.s.Get(ctx, coordinator.TaskPath(id))
	_ = both.Wait()

	switch {
	case errors.Is(assignErr, coordinator.ErrNoNode):
		return nil, nil
	case assignErr != nil:
		return nil, assignErr
	case specErr != nil && !isAnswer(specErr):
		return nil, specErr
	}
	a := &attempt{
		instance: i.name, tree: i.tree, session: i.number, task: id, fence: stat.Czxid, assigned: coordinator.ParseAssignment(assigned),
	}
	if a.number = a.assigned.Attempt; a.number > coordinator.MaxAttempts {
		a.number = 0
	}
	a.spec, a.fault = parseSpec(spec, specErr)
	if a.number > 0 {
		return a, nil
	}
	names, _, err := i.s.Children(ctx, coordinator.TaskPath(id)) // assigned by hand
	if err != nil && !isAnswer(err) {
		return nil, err
	}
	a.number = 1 + coordinator.LastAttempt(names)
	return a, nil
}

// isAnswer reports whether the service has said what there is, and would say
// so again.
func isAnswer(err error) bool {
	return errors.Is(err, coordinator.ErrNoNode) || errors.Is(err, coordinator.ErrNoAuth)
}

// parseSpec reads what a task is to run. The error says why it cannot be.
func parseSpec(data []byte, err error) (coordinator.Spec, error) {
	if err != nil {
		return coordinator.Spec{}, fmt.Errorf("read task: %w", err)
	}
	spec, err := coordinator.ParseSpec(data)
	if err == nil {
		err = spec.Validate()
	}
	if err == nil && spec.Control != "" {
		err = errors.New("worker: a control task is for the master")
	}
	return spec, err
}

// taskIDs returns the names that are task IDs.
func taskIDs(names []string) (ids []coordinator.TaskID, foreign int) {
	for _, name := range names {
		id, err := coordinator.ParseTaskID(name)
		if err != nil || string(id) != name {
			foreign++
			continue
		}
		ids = append(ids, id)
	}
	return ids, foreign
}
