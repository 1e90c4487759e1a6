package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sys/unix"
)

// Exit statuses of commands that could not be run, as shells have them.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // plus the signal
)

// A startError says why a command cannot be run, and the exit status that
// stands for it.
type startError struct {
	exit int
	err  error
}

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// runCommand makes an attempt with a command, in the guard. Only what is the
// task's own fault is recorded as a failure; the error says that this worker
// could not start the command.
func (w *Worker) runCommand(ctx context.Context, a *attempt, deadline time.Time) (coordinator.Attempt, error) {
	dir, made, err := w.workingDir(a)
	if err != nil {
		return startFailure(err)
	}
	if made {
		defer w.store.discard(dir)
	}
	req, err := w.request(a, dir, deadline)
	if err != nil {
		return w.unlessGone(dir, made, err)
	}
	cmd, err := w.launcher.start(ctx, req)
	switch {
	case err == nil:
		e, cause := attend(ctx, cmd, w.cfg.StopGrace)
		if e.Unstarted || e.Errno != 0 && cause == nil && !e.Fenced {
			return w.unlessGone(dir, made, notStarted(e, req.Path))
		}
		r := commandRecord(e, cause, a.assigned.Charged())
		w.store.noteKept(outputFault(e), r.StdoutBytes+r.StderrBytes)
		return r, nil
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrTimedOut):
		return coordinator.Attempt{Outcome: coordinator.OutcomeInterrupted}, nil
	default:
		return startFailure(err)
	}
}

// unlessGone is startFailure for err, unless the cause is that the scratch
// directory was removed meanwhile: the kernel says the same when it does not
// find an executable.
func (w *Worker) unlessGone(dir string, made bool, err error) (coordinator.Attempt, error) {
	if made {
		if gone := unix.Access(dir, unix.X_OK); gone != nil {
			return coordinator.Attempt{}, fmt.Errorf("scratch directory: %w", gone)
		}
	}
	return startFailure(err)
}

// workingDir returns where the command is to run; made says that it is a
// scratch directory of its own.
func (w *Worker) workingDir(a *attempt) (dir string, made bool, err error) {
	if a.spec.Dir == "" {
		dir, err = w.store.scratch(a)
		return dir, err == nil, err
	}
	info, err := os.Stat(a.spec.Dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "chdir", Path: a.spec.Dir, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return "", false, &startError{exitNotExecutable, fmt.Errorf("working directory: %w", err)}
	}
	if dir, err = filepath.Abs(a.spec.Dir); err != nil {
		err = &startError{exitNotExecutable, fmt.Errorf("working directory: %w", err)}
	}
	return dir, false, err
}

// request makes what the guard is asked for.
func (w *Worker) request(a *attempt, dir string, deadline time.Time) (startRequest, error) {
	env := environ(w.cfg.Env, a, dir, deadline)
	argv, path := a.spec.Argv, "/bin/sh"
	if len(argv) == 0 {
		argv = []string{"sh", "-c", a.spec.Shell}
	} else {
		var err error
		if path, err = lookPath(argv[0], strings.TrimPrefix(entry(env, "PATH="), "PATH="), dir); err != nil {
			return startRequest{}, err
		}
	}
	return startRequest{
		Session: a.session, Path: path, Argv: argv, Env: env, Dir: dir, Mark: markOf(slices.Values(env)),
		Stdout: w.store.path(a, "stdout"), Stderr: w.store.path(a, "stderr"),
		Limit: w.cfg.OutputLimit,
	}, nil
}

// lookPath finds an executable as a shell does: a name with a slash is a path
// from dir, any other is looked for in the directories of path.
func lookPath(name, path, dir string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, executable(name)
	}
	found := error(&startError{exitNotFound, fmt.Errorf("%s: command not found", name)})
	for _, place := range filepath.SplitList(path) {
		if place == "" {
			place = "."
		}
		if !filepath.IsAbs(place) {
			place = filepath.Join(dir, place)
		}
		file := filepath.Join(place, name)
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if e, ok := errors.AsType[*startError](err); ok && e.exit == exitNotExecutable {
			found = err // unless there is a better one further on
		}
	}
	return "", found
}

// executable says why a file cannot be executed by us, or nil.
func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return &startError{exitNotFound, fmt.Errorf("%s: %w", file, syscall.ENOENT)}
	case err != nil:
		return &startError{exitNotExecutable, err}
	case info.IsDir():
		return &startError{exitNotExecutable, fmt.Errorf("%s: %w", file, syscall.EISDIR)}
	case unix.Access(file, unix.X_OK) != nil:
		return &startError{exitNotExecutable, fmt.Errorf("%s: %w", file, syscall.EACCES)}
	}
	return nil
}

// killPatience is how long a command may be there after SIGKILL before it is
// taken for dead: it sits in a system call that does not end, and will not
// execute another instruction.
const killPatience = 10 * time.Second

// attend waits for the end of the command. When ctx ends it sees to that:
// SIGTERM to the group, SIGKILL after the grace. It returns what made it do so,
// nil if the command ended by itself.
func attend(ctx context.Context, cmd *command, grace time.Duration) (endedEvent, error) {
	select {
	case e := <-cmd.ended:
		return e, nil
	case <-ctx.Done():
	}
	cause := context.Cause(ctx)
	cmd.signal(syscall.SIGTERM)
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case e := <-cmd.ended:
		return e, cause
	case <-patience.C:
	}
	before, _ := cmd.link.leases()
	cmd.signal(syscall.SIGKILL)
	patience.Reset(killPatience)
	for {
		select {
		case e := <-cmd.ended:
			return e, cause
		case <-patience.C:
		}
		if _, heard := cmd.link.leases(); heard > before { // the guard has sent it
			return endedEvent{Run: cmd.run, Signal: int(syscall.SIGKILL), Stuck: true}, cause
		}
		patience.Reset(time.Second)
	}
}

// commandRecord says how an attempt ended whose command the guard has ended.
// cause is why we ended it, nil if we did not; charged says whether the task
// answers for the death of the guard.
func commandRecord(e endedEvent, cause error, charged bool) coordinator.Attempt {
	r := coordinator.Attempt{
		Stdout: e.Stdout.Tail, StdoutBytes: e.Stdout.Bytes,
		Stderr: e.Stderr.Tail, StderrBytes: e.Stderr.Bytes,
		Exit: e.Code, Error: outputFault(e),
	}
	if e.Signal != 0 {
		r.Exit = exitSignal + e.Signal
		r.Signal = unix.SignalName(syscall.Signal(e.Signal))
	}
	if e.Stuck {
		r.Error = "still in a system call long after SIGKILL; output not known"
	}
	switch {
	case e.GuardDied:
		r.Outcome, r.Error = coordinator.OutcomeLost, "the guard process died"
		if !charged {
			r.Outcome = coordinator.OutcomeInterrupted
		}
	case e.Fenced:
		r.Outcome = coordinator.OutcomeInterrupted
	case cause != nil:
		r.Outcome = outcomeOf(cause)
	case r.Exit == 0:
		r.Outcome = coordinator.OutcomeDone
	default:
		r.Outcome = coordinator.OutcomeFailed
	}
	return r
}

// notStarted says why the guard did not start a command. It is a startError
// only where the command is to blame.
func notStarted(e endedEvent, path string) error {
	if e.Unstarted {
		return errors.New("the guard process does not run")
	}
	errno := syscall.Errno(e.Errno)
	err := fmt.Errorf("exec %s: %w", path, errno)
	if e.Own {
		return err
	}
	switch errno {
	case syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EIO: // the machine is full, or broken
		return err
	case syscall.ENOENT: // of a script: its interpreter
		return &startError{exitNotFound, err}
	}
	return &startError{exitNotExecutable, err}
}

// startFailure is the record of a task that cannot be run, if that is its own
// fault: a startError. Any other error comes back.
func startFailure(err error) (coordinator.Attempt, error) {
	e, ok := errors.AsType[*startError](err)
	if !ok {
		return coordinator.Attempt{}, err
	}
	return coordinator.Attempt{Outcome: coordinator.OutcomeFailed, Exit: e.exit, Error: err.Error()}, nil
}

// outputFault says what of the output is not on the disk, and why.
func outputFault(e endedEvent) string {
	var faults []string
	for _, s := range []struct{ name, fault string }{{"stdout", e.Stdout.Fault}, {"stderr", e.Stderr.Fault}} {
		if s.fault != "" {
			faults = append(faults, s.name+" not kept: "+s.fault)
		}
	}
	return strings.Join(faults, "; ")
}
