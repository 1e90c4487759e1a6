package worker

import (
	"context"
	"errors"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// These end an attempt before its time. A handler finds them as the cause of
// its context's end; so it does coordinator.ErrSessionLost.
var (
	// ErrTimedOut: the task's timeout has passed.
	ErrTimedOut = errors.New("worker: timed out")

	// ErrStopped: the worker was told to stop.
	ErrStopped = errors.New("worker: stopped")

	// ErrMoved: the assignment was taken away, because the task was cancelled
	// or given to another worker. Nothing will be recorded.
	ErrMoved = errors.New("worker: assignment taken away")
)

// maxErrorText bounds what a record says about why an attempt failed.
const maxErrorText = 2 << 10

// attempt is one run of a task by one instance.
type attempt struct {
	instance string
	tree     string // see treeName
	session  uint64 // of the guard; stands for the instance
	task     coordinator.TaskID
	number   int                    // from 1; see spent
	fence    int64                  // the zxid that created the assignment
	assigned coordinator.Assignment // as the tree has it
	spec     coordinator.Spec
	fault    error // why it cannot be run
}

// spent reports whether the task has had the last attempt there may be: one more
// would have a number that nobody takes for one.
func (a *attempt) spent() bool { return a.number > coordinator.MaxAttempts }

// run makes an attempt and returns its record. It blocks until everything the
// attempt started has ended, which the end of ctx brings about. The error says
// that the worker itself kept the attempt from being made: another worker may
// do better.
func (w *Worker) run(ctx context.Context, a *attempt) (coordinator.Attempt, error) {
	if err := w.store.restore(); err != nil {
		return coordinator.Attempt{}, err
	}
	done := w.store.begin(a)
	defer done()
	started := time.Now()
	var deadline time.Time
	if timeout := time.Duration(a.spec.Timeout); timeout > 0 {
		deadline = started.Add(timeout)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, deadline, ErrTimedOut)
		defer cancel()
	}

	var r coordinator.Attempt
	var err error
	switch {
	case a.fault != nil:
		r, err = startFailure(&startError{exitNotExecutable, a.fault})
	case a.spec.Handler != "":
		r, err = w.runHandler(ctx, a, deadline)
	default:
		r, err = w.runCommand(ctx, a, deadline)
	}
	if err != nil {
		return r, err
	}
	r.Worker, r.Addr = a.instance, w.advertised
	r.Error = r.Error[:min(len(r.Error), maxErrorText)]
	r.Started, r.Ended = started.UTC(), time.Now().UTC()
	return r, nil
}

// outcomeOf says how an attempt ended that was ended by us, for that cause.
// Only a timeout is charged to the task.
func outcomeOf(cause error) coordinator.Outcome {
	if errors.Is(cause, ErrTimedOut) {
		return coordinator.OutcomeTimedOut
	}
	return coordinator.OutcomeInterrupted
}

// statusOf says what an attempt's outcome makes of its task; "" leaves that to
// the master.
func statusOf(o coordinator.Outcome) coordinator.Status {
	switch o {
	case coordinator.OutcomeDone:
		return coordinator.StatusDone
	case coordinator.OutcomeFailed:
		return coordinator.StatusFailed
	case coordinator.OutcomeTimedOut:
		return coordinator.StatusTimedOut
	}
	return ""
}
