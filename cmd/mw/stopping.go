package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// These errors end the waiting for a task that goes on without us.
var (
	errLeft       = errors.New("left running")
	errUnanswered = errors.New("cancel unanswered")
)

// unansweredAfter is how long after SIGTERM, or the end of who reads us, we wait for a cancel to be
// recorded. Who sends that is a supervisor, which would send SIGKILL next; a
// person at a terminal is told what to press instead.
const unansweredAfter = 5 * time.Second

// stopping is what signals do to a command that attends a task: the first
// cancels the task, a second Ctrl-C leaves it.
type stopping struct {
	client *submit.Client
	h      *submit.Handle

	first   atomic.Pointer[syscall.Signal]     // that came; nil: none did
	request atomic.Pointer[coordinator.TaskID] // the cancel in the queue; nil: not known to be there
}

// run waits for signals until ctx ends, and calls leave when the waiting for
// the task is to end before the task has.
func (s *stopping) run(ctx context.Context, signals <-chan os.Signal, leave context.CancelCauseFunc) {
	sig, _ := arrived(ctx, signals).(syscall.Signal)
	if sig == 0 {
		return
	}
	s.first.Store(&sig)
	then := "the cancel is queued until one does"
	switch sig {
	case syscall.SIGPIPE:
		note("nobody reads the output any more: cancelling %s, for %s at most", s.h.ID(), unansweredAfter)
	case syscall.SIGTERM:
		note("cancelling %s, for %s at most", s.h.ID(), unansweredAfter)
	default:
		then += "; Ctrl-C again leaves now"
		note("cancelling %s; Ctrl-C again leaves it as it is", s.h.ID())
	}
	go s.cancel(ctx)                       // ends with ctx or the master's answer
	go hintAtNoMaster(ctx, s.client, then) // ends with ctx or the service's answer
	if cause := impatience(ctx, sig, signals); cause != nil {
		leave(cause)
	}
}

// impatience waits after the first signal for what ends the waiting before the
// task has ended, and returns nil when ctx ended first. A person leaves with
// another Ctrl-C, a supervisor does not: its SIGTERM, however often, gives the
// cancel its time.
func impatience(ctx context.Context, first os.Signal, signals <-chan os.Signal) error {
	since := time.Now()
	var patience <-chan time.Time
	for sig := first; ; {
		if sig != os.Interrupt && patience == nil {
			patience = time.After(unansweredAfter)
		}
		select {
		case sig = <-signals:
			if sig == os.Interrupt && time.Since(since) >= sameSignal {
				return errLeft
			}
		case <-patience:
			return errUnanswered
		case <-ctx.Done():
			return nil
		}
	}
}

// cancel asks for the task's end. That it has come is seen by who waits for it.
func (s *stopping) cancel(ctx context.Context) {
	request, err := s.h.RequestCancel(ctx)
	if err == nil {
		id := request.ID()
		s.request.Store(&id)
		err = s.h.AwaitCancel(ctx, request)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, submit.ErrFinal) {
		note("%s", oneLine(err))
	}
}

// code is the exit code of a command that the first signal ended, 0 if none came.
func (s *stopping) code() int {
	if sig := s.first.Load(); sig != nil {
		return 128 + int(*sig)
	}
	return 0
}

// leftBehind says what becomes of the task when the waiting ended with cause.
func (s *stopping) leftBehind(cause error) string {
	id, request := s.h.ID(), s.request.Load()
	switch {
	case errors.Is(cause, errLeft) && request != nil:
		return fmt.Sprintf("%s goes on until a master carries out %s, which cancels it: \"mw wait %[1]s\" waits for that", id, *request)
	case errors.Is(cause, errLeft):
		return fmt.Sprintf("%s goes on: \"mw wait %[1]s\" waits for it, \"mw logs %[1]s\" shows its output", id)
	case request != nil:
		return fmt.Sprintf("%s was not cancelled within %s: it goes on until a master leads and carries out %s, which asks for that", id, unansweredAfter, *request)
	}
	return fmt.Sprintf("%s was not cancelled, as the service does not answer: it goes on, \"mw cancel %[1]s\" ends it", id)
}
