package submit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mwqueue/mw/coordinator"
)

// An Obstacle is why tasks wait that could otherwise run.
type Obstacle uint8

// The obstacles, in the order in which they count.
const (
	NoObstacle Obstacle = iota
	NoMaster            // no master leads: nothing is assigned, no cancel is carried out
	NoWorker            // no worker is registered, or those that are drain
	NoRoom              // as many tasks are assigned as the workers have slots
)

// maxAsked is how many tasks [Client.Obstacle] looks at.
const maxAsked = 100

// Obstacle says why the tasks do not go on: whether one of the first hundred
// waits to be assigned, and if so, what is missing. It is NoObstacle when all
// of them are assigned or have ended, and for what takes only a moment.
func (c *Client) Obstacle(ctx context.Context, ids ...coordinator.TaskID) (Obstacle, error) {
	o := NoObstacle
	err := c.with(ctx, func(s *coordinator.Session) (err error) {
		if o, err = missing(ctx, s); err != nil || o == NoObstacle {
			return err
		}
		owners, err := readOwners(ctx, s)
		if err != nil {
			return err
		}
		for _, id := range ids[:min(len(ids), maxAsked)] {
			if owners[id] != "" {
				continue
			}
			if _, err := readResult(ctx, s, id); errors.Is(err, ErrNotEnded) {
				return nil // this one waits
			} else if err != nil && !errors.Is(err, ErrNoTask) {
				return err
			}
		}
		o = NoObstacle
		return nil
	})
	if err != nil {
		return NoObstacle, fmt.Errorf("submit: look what is missing: %w", err)
	}
	return o, nil
}

// Leads reports whether a master leads now.
func (c *Client) Leads(ctx context.Context) (bool, error) {
	var leads bool
	err := c.with(ctx, func(s *coordinator.Session) (err error) {
		_, leads, err = s.Exists(ctx, coordinator.MasterPath)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("submit: look for a master: %w", err)
	}
	return leads, nil
}

// missing says what any task would lack now.
func missing(ctx context.Context, s *coordinator.Session) (Obstacle, error) {
	if _, leads, err := s.Exists(ctx, coordinator.MasterPath); err != nil {
		return NoObstacle, err
	} else if !leads {
		return NoMaster, nil
	}
	workers, err := readWorkers(ctx, s)
	if err != nil {
		return NoObstacle, err
	}
	workers = slices.DeleteFunc(workers, func(w Worker) bool { return !w.Alive || w.Draining })
	if len(workers) == 0 {
		return NoWorker, nil
	}
	if slices.ContainsFunc(workers, func(w Worker) bool { return len(w.Assigned) < w.Slots }) {
		return NoObstacle, nil
	}
	return NoRoom, nil
}
