package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// Handler runs a task in the worker's process. What it returns is kept as the
// attempt's standard output; an error, or a panic, makes the attempt fail.
//
// It must return soon after ctx ends: nothing else can stop it, and its slot
// is taken until then. context.Cause(ctx) is ErrTimedOut, ErrStopped or
// ErrMoved, or wraps coordinator.ErrSessionLost. A handler that returns nil all
// the same has done the task, if that can still be recorded.
type Handler func(ctx context.Context, t Task) ([]byte, error)

// Task is what a handler is told about the attempt it makes.
type Task struct {
	ID       coordinator.TaskID
	Name     string          // for people
	Payload  json.RawMessage // from the spec
	Attempt  int             // from 1
	Fence    int64           // grows with every assignment in the cluster
	Worker   string          // the instance that runs it
	Deadline time.Time       // zero: none
}

// runHandler makes an attempt with a handler.
func (w *Worker) runHandler(ctx context.Context, a *attempt, deadline time.Time) (coordinator.Attempt, error) {
	h := w.cfg.Handlers[a.spec.Handler]
	if h == nil {
		return startFailure(&startError{exitNotFound, fmt.Errorf("this worker has no handler %q", a.spec.Handler)})
	}
	out, err := call(ctx, h, Task{
		ID: a.task, Name: a.spec.Name, Payload: a.spec.Payload, Attempt: a.number,
		Fence: a.fence, Worker: a.instance, Deadline: deadline,
	})

	r := coordinator.Attempt{Outcome: coordinator.OutcomeDone, Stdout: lastBytes(out, tailBytes), StdoutBytes: int64(len(out))}
	if kept := w.store.keep(a, out, w.cfg.OutputLimit); kept != nil {
		r.Error = "stdout not kept: " + kept.Error()
	}
	w.store.noteKept(r.Error, r.StdoutBytes)
	if err != nil {
		r.Outcome, r.Exit, r.Error = coordinator.OutcomeFailed, 1, err.Error()
		if ctx.Err() != nil {
			r.Outcome = outcomeOf(context.Cause(ctx))
		}
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		r.Stderr, r.StderrBytes = lastBytes(p.stack, tailBytes/2), int64(len(p.stack))
		r.Stdout = lastBytes(r.Stdout, tailBytes/2)
	}
	return r, nil
}

// A panicError is what a handler panicked with.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

var errGoexit = errors.New("the handler ended its goroutine")

// call calls h in a goroutine of its own, which even runtime.Goexit may end.
func call(ctx context.Context, h Handler, t Task) (out []byte, err error) {
	done := make(chan struct{})
	go func() { // ends with the handler
		defer close(done)
		err = errGoexit
		defer func() {
			if v := recover(); v != nil {
				out, err = nil, &panicError{v, debug.Stack()}
			}
		}()
		out, err = h(ctx, t)
	}()
	<-done
	return out, err
}
