package master

import (
	"context"
	"errors"
	"slices"

	"github.com/mwqueue/mw/coordinator"
)

// reader answers questions from the tree.
type reader struct{ s *coordinator.Session }

// attemptsMax bounds the attempts that are read of one task: the newest. More
// than that a task has only if somebody stops its workers all day.
const attemptsMax = 100

// answer blocks for the reads it takes; an error is in the answer.
func (r reader) answer(ctx context.Context, q question) answer {
	switch q.how {
	case exact:
		return r.children(ctx, q)
	case glance:
		return r.status(ctx, q)
	case taskFirst:
		if q.holder == "" {
			return r.task(ctx, q)
		}
	}
	if a := r.status(ctx, q); a.final || a.err != nil || q.holder == "" {
		return r.unless(ctx, q, a)
	}
	data, stat, err := r.s.Get(ctx, coordinator.AssignmentPath(q.holder, q.task.TaskID()))
	there := !errors.Is(err, coordinator.ErrNoNode)
	if err != nil && there {
		return answer{err: err}
	}
	if !there { // it may have been reported between the two reads
		return r.unless(ctx, q, r.status(ctx, q))
	}
	a := r.task(ctx, q)
	a.held, a.assigned = true, assigned{coordinator.ParseAssignment(data), stat.Version}
	return a
}

// unless reads the task, unless a says all there is to say.
func (r reader) unless(ctx context.Context, q question, a answer) answer {
	if a.final || a.err != nil {
		return a
	}
	return r.task(ctx, q)
}

// status tells whether the task is final.
func (r reader) status(ctx context.Context, q question) answer {
	stat, there, err := r.s.Exists(ctx, coordinator.StatusPath(q.task.TaskID()))
	return answer{err: err, final: there, at: stat.Ctime}
}

// task reads what the task is, and the attempts if there are any.
func (r reader) task(ctx context.Context, q question) answer {
	data, stat, err := r.s.Get(ctx, coordinator.TaskPath(q.task.TaskID()))
	switch {
	case errors.Is(err, coordinator.ErrNoNode):
		return answer{gone: true}
	case err != nil:
		return answer{err: err}
	}
	a := answer{}
	if spec, err := coordinator.ParseSpec(data); err == nil { // else the worker will say what is wrong
		a.control, a.target = spec.Control, spec.Task
	}
	if stat.NumChildren > 0 {
		return r.attempts(ctx, q, a)
	}
	return a
}

// attempts adds to a how many attempts there were and which workers died.
func (r reader) attempts(ctx context.Context, q question, a answer) answer {
	names, _, err := r.s.Children(ctx, coordinator.TaskPath(q.task.TaskID()))
	if errors.Is(err, coordinator.ErrNoNode) {
		return answer{gone: true}
	}
	if err != nil {
		return answer{err: err}
	}
	if slices.Contains(names, coordinator.StatusName) {
		return r.status(ctx, q)
	}
	for _, n := range newestAttempts(names) {
		a.attempts = n
		data, _, err := r.s.Get(ctx, coordinator.AttemptPath(q.task.TaskID(), n))
		if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
			return answer{err: err}
		}
		if att := coordinator.ParseAttemptData(data); att.Outcome == coordinator.OutcomeLost {
			a.died = append(a.died, att.Worker)
		}
	}
	return a
}

// newestAttempts returns the numbers of the newest attempts there are, in order.
func newestAttempts(names []string) (numbers []int) {
	for _, name := range names {
		if n, ok := coordinator.ParseAttempt(name); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers[max(0, len(numbers)-attemptsMax):]
}

// children lists all there is below a task.
func (r reader) children(ctx context.Context, q question) answer {
	names, _, err := r.s.Children(ctx, coordinator.TaskPath(q.task.TaskID()))
	if errors.Is(err, coordinator.ErrNoNode) {
		return answer{gone: true}
	}
	return answer{err: err, children: names}
}
