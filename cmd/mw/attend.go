package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// hear collects signals for a command that does more with them than to end,
// beside the context of main, which ends with the first. The caller calls
// signal.Stop.
func hear() chan os.Signal {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals
}

// attend waits for a task in the foreground: its output becomes ours, its
// exit code too, and signals are for it, as is a SIGPIPE when nobody reads that
// output any more. ctx must not end with a signal.
func attend(ctx context.Context, signals chan os.Signal, client *submit.Client, h *submit.Handle, follow bool) error {
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	defer outlivePipes()()
	stdout, stderr := &unread{w: os.Stdout}, &unread{w: os.Stderr}
	if follow { // else the task has ended when we write
		stdout.signals, stderr.signals = signals, signals
	}
	go hintAtObstacle(ctx, client, h.ID()) // ends with ctx
	stop := stopping{client: client, h: h}
	go stop.run(ctx, signals, leave) // ends with ctx

	r, err := outcome(ctx, h, follow, stdout, stderr)
	if cause := context.Cause(ctx); errors.Is(cause, errLeft) || errors.Is(cause, errUnanswered) {
		note("%s", stop.leftBehind(cause))
		return exit(stop.code())
	}
	if err != nil {
		return err
	}
	if text := r.Explain(); text != "" {
		note("%s", text)
	}
	if code := stop.code(); code != 0 && r.Status == coordinator.StatusCancelled {
		return exit(code)
	}
	if stdout.gone || stderr.gone {
		return exit(128 + int(syscall.SIGPIPE))
	}
	return exit(r.ExitCode())
}

// outcome waits for the result and has all output written when it returns.
func outcome(ctx context.Context, h *submit.Handle, follow bool, stdout, stderr io.Writer) (submit.Result, error) {
	if follow {
		r, err := h.Follow(ctx, submit.Follower{Stdout: stdout, Stderr: stderr, Unreachable: noteUnreachable, Attempt: func(n int, worker string) {
			if n > 1 {
				note("attempt %d of %s runs on %s", n, h.ID(), worker)
			}
		}})
		return r, partial(err)
	}
	r, err := h.Wait(ctx)
	if err != nil {
		return r, err
	}
	return r, errors.Join(
		copyOutput(ctx, h, r, submit.Stdout, stdout),
		copyOutput(ctx, h, r, submit.Stderr, stderr))
}

// listenHint is what makes a worker's output readable from elsewhere.
const listenHint = "a worker that is to be read from other machines needs --listen HOST:PORT"

// noteUnreachable says why nothing comes of a task that is followed.
func noteUnreachable(worker string, err *submit.UnreachableError) {
	note("%s at %s is not reached (%s): its output comes at the end; %s", worker, err.Addr, oneLine(err.Err), listenHint)
}

// copyOutput writes one stream of an ended task to w. What cannot be had any
// more is a note, not an error: the task's own outcome stands.
func copyOutput(ctx context.Context, h *submit.Handle, r submit.Result, stream submit.Stream, w io.Writer) error {
	return partial(h.Output(ctx, r, stream, w))
}

// partial turns what is missing of an output into notes.
func partial(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var rest []error
		for _, err := range joined.Unwrap() {
			rest = append(rest, partial(err))
		}
		return errors.Join(rest...)
	}
	if p, ok := errors.AsType[*submit.PartialError](err); ok {
		if p.Total < 0 {
			note("%d bytes of %s are left, perhaps not all: %s", p.Got, p.Stream, oneLine(p.Err))
			return nil
		}
		note("only %d of %d bytes of %s are left: %s", p.Got, p.Total, p.Stream, oneLine(p.Err))
		return nil
	}
	return err
}

// arrived waits for a signal; it is nil when ctx ended first.
func arrived(ctx context.Context, signals <-chan os.Signal) os.Signal {
	select {
	case sig := <-signals:
		return sig
	case <-ctx.Done():
		return nil
	}
}

// note tells the user something beside the answer, in one plain line.
func note(format string, args ...any) {
	fmt.Fprintln(os.Stderr, "mw:", plain(fmt.Sprintf(format, args...)))
}
