package submit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// The states of a task that has no final status. With one, the state is the
// status.
const (
	StateWaiting  = "waiting"
	StateAssigned = "assigned"
)

// StateUnreadable is what a listing has of a task that this client is not
// permitted to read: its ID, and which worker has it.
const StateUnreadable = "unreadable"

// maxScan is how many tasks one query reads at most: about a second's worth.
const maxScan = 5000

// A Query says which tasks to list. The zero Query lists the newest 50 and
// whatever is assigned.
type Query struct {
	// Limit is how many tasks to list at most, the newest first. Without
	// States and Name, older tasks that are assigned come on top, up to the
	// same number. Default: 50.
	Limit int

	// States and Name, when given, list only matching tasks. The query then
	// goes back through at most 5,000 tasks, and as many assigned ones.
	States []string
	Name   string
}

func (q Query) selective() bool { return q.Name != "" || len(q.States) > 0 }

func (q Query) matches(t Task) bool {
	return (q.Name == "" || t.Spec.Name == q.Name) &&
		(len(q.States) == 0 || slices.Contains(q.States, t.State))
}

// A Task is one task as a listing shows it.
type Task struct {
	ID        coordinator.TaskID
	Spec      coordinator.Spec // of a task whose data cannot be read: its Shell is the text
	State     string
	Worker    string // instance it is assigned to, or that ran the last attempt
	Attempts  int    // finished ones
	Submitted time.Time
	Ended     time.Time           // when the status was recorded; zero before that
	Last      coordinator.Attempt // the last finished attempt; zero when there is none
}

// A Listing is the answer to a [Query].
type Listing struct {
	Tasks []Task // newest first
	Total int    // tasks in the tree
	Read  int    // tasks that were looked at
	More  bool   // some that match may have been left out
}

// Tasks lists tasks. What it reads is bounded, however many tasks there are:
// one list of names, one list of assignments a worker, and the tasks shown.
func (c *Client) Tasks(ctx context.Context, q Query) (Listing, error) {
	q.Limit = cmp.Or(q.Limit, 50)
	var l Listing
	err := c.with(ctx, func(s *coordinator.Session) (err error) {
		l, err = list(ctx, s, q)
		return err
	})
	if err != nil {
		return Listing{}, fmt.Errorf("submit: list tasks: %w", err)
	}
	return l, nil
}

// An Attempt is one finished attempt and its number.
type Attempt struct {
	Number int
	coordinator.Attempt
}

// Task returns one task and its finished attempts, the oldest first. The
// error wraps [ErrNoTask] when there is no such task.
func (c *Client) Task(ctx context.Context, id coordinator.TaskID) (Task, []Attempt, error) {
	var t Task
	var attempts []Attempt
	err := c.with(ctx, func(s *coordinator.Session) error {
		owners, err := readOwners(ctx, s)
		if err != nil {
			return err
		}
		if t, err = readTask(ctx, s, id, owners[id]); err != nil {
			return err
		}
		attempts, err = readAttempts(ctx, s, id)
		return err
	})
	if err != nil {
		return Task{}, nil, fmt.Errorf("submit: %s: %w", id, err)
	}
	if n := len(attempts); n > 0 {
		t.Last = attempts[n-1].Attempt
		t.Worker = cmp.Or(t.Worker, t.Last.Worker)
	}
	return t, attempts, nil
}

func list(ctx context.Context, s *coordinator.Session, q Query) (Listing, error) {
	names, err := children(ctx, s, coordinator.TasksPath)
	if err != nil {
		return Listing{}, err
	}
	owners, err := readOwners(ctx, s)
	if err != nil {
		return Listing{}, err
	}
	reach := q.Limit
	if q.selective() {
		reach = maxScan
	}
	ids := candidates(names, owners, reach)
	l := Listing{Total: len(names), More: len(ids) < len(names)}
	for window := range slices.Chunk(ids, 4*readsInFlight) {
		tasks, err := readTasks(ctx, s, window, owners)
		if err != nil {
			return Listing{}, err
		}
		l.Read += len(window)
		for _, t := range tasks {
			if q.matches(t) {
				l.Tasks = append(l.Tasks, t)
			}
		}
		if q.selective() && len(l.Tasks) >= q.Limit {
			l.Tasks, l.More = l.Tasks[:q.Limit], true
			break
		}
	}
	return l, readLast(ctx, s, l.Tasks)
}

// candidates are the newest tasks, up to reach, and further ones that are
// assigned, up to reach, all newest first.
func candidates(names []string, owners map[coordinator.TaskID]string, reach int) []coordinator.TaskID {
	ids := fromNumber(names, 0)
	if len(ids) <= reach {
		return ids
	}
	chosen, older := slices.Clone(ids[:reach]), reach
	for _, id := range ids[reach:] {
		if older == 0 {
			break
		}
		if _, assigned := owners[id]; assigned {
			chosen = append(chosen, id)
			older--
		}
	}
	return chosen
}
