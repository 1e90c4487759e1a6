package mwtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// ActiveMaster reads who leads: the address in /master and the term. It is
// [coordinator.ErrNoNode] when nobody does.
func ActiveMaster(ctx context.Context, s *coordinator.Session) (addr string, term int32, err error) {
	data, _, err := s.Get(ctx, coordinator.MasterPath)
	if err != nil {
		return "", 0, fmt.Errorf("mwtest: read the active master: %w", err)
	}
	stat, _, err := s.Exists(ctx, coordinator.AssignPath)
	if err != nil {
		return "", 0, fmt.Errorf("mwtest: read the term: %w", err)
	}
	return string(data), stat.Version, nil
}

// AwaitAssignmentAfter waits until a master of a later term than the given one
// has assigned a task, and tells when it did by the service's clock, to the
// millisecond. It looks at what is in the tree, every few milliseconds: an
// assignment whose task ends at once may be gone before it is seen, and one that
// is to be told for sure is of a task that lasts.
func AwaitAssignmentAfter(ctx context.Context, s *coordinator.Session, term int32) (time.Time, error) {
	for {
		at, found, err := firstAssignmentAfter(ctx, s, term)
		if err != nil || found {
			return at, err
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("mwtest: await an assignment after term %d: %w", term, context.Cause(ctx))
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// firstAssignmentAfter finds the oldest assignment of a later term that is in
// the tree now.
func firstAssignmentAfter(ctx context.Context, s *coordinator.Session, term int32) (at time.Time, found bool, err error) {
	err = eachAssignment(ctx, s, func(instance string, id coordinator.TaskID) error {
		data, stat, err := s.Get(ctx, coordinator.AssignmentPath(instance, id))
		if errors.Is(err, coordinator.ErrNoNode) {
			return nil // reported since it was listed
		}
		if err != nil {
			return err
		}
		if a := coordinator.ParseAssignment(data); a.Term > term && (!found || stat.Ctime.Before(at)) {
			at, found = stat.Ctime, true
		}
		return nil
	})
	return at, found, err
}

// Loads tells how many tasks each worker owes, by the worker's name.
func Loads(ctx context.Context, s *coordinator.Session) (map[string]int, error) {
	instances, _, err := s.Children(ctx, coordinator.AssignPath)
	if err != nil {
		return nil, fmt.Errorf("mwtest: list workers: %w", err)
	}
	loads := make(map[string]int)
	for _, instance := range instances {
		loads[workerName(instance)] += 0
	}
	err = eachAssignment(ctx, s, func(instance string, _ coordinator.TaskID) error {
		loads[workerName(instance)]++
		return nil
	})
	return loads, err
}

// eachAssignment calls visit for every assignment in the tree.
func eachAssignment(ctx context.Context, s *coordinator.Session, visit func(instance string, id coordinator.TaskID) error) error {
	instances, _, err := s.Children(ctx, coordinator.AssignPath)
	if err != nil {
		return fmt.Errorf("mwtest: list workers: %w", err)
	}
	for _, instance := range instances {
		names, _, err := s.Children(ctx, coordinator.AssignmentsPath(instance))
		if errors.Is(err, coordinator.ErrNoNode) {
			continue
		}
		if err != nil {
			return fmt.Errorf("mwtest: list assignments of %s: %w", instance, err)
		}
		for _, name := range names {
			if err := visit(instance, coordinator.TaskID(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// workerName is the name part of an instance.
func workerName(instance string) string {
	if i := strings.LastIndexByte(instance, '-'); i > 0 {
		return instance[:i]
	}
	return instance
}
