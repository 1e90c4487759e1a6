package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/worker"
	"github.com/urfave/cli/v2"
)

// Exit codes of mw itself. A task's own code is passed on.
const (
	exitUsage       = 64  // mistyped
	exitNoServer    = 69  // no server could be reached, or it has no such chroot
	exitUnknown     = 75  // it is not known whether it was done; safe to repeat
	exitDenied      = 77  // not permitted
	exitTimedOut    = 124 // --timeout passed
	exitFailed      = 125 // mw failed
	exitInterrupted = 130 // stopped, as by Ctrl-C; a signal has 128 and its number
)

// A failure is an error with the exit code and the hint that go with it.
type failure struct {
	err  error // nil: nothing is left to be said
	code int
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// exit ends the program with code and says nothing.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return &failure{code: code}
}

// usagef says what was mistyped. The hint is where the command's help is.
func usagef(c *cli.Context, format string, args ...any) error {
	return &failure{err: fmt.Errorf(format, args...), code: exitUsage, hint: helpHint(c)}
}

func helpHint(c *cli.Context) string {
	if c == nil || c.Command == nil || c.Command.Name == "" || c.Command.Name == c.App.Name {
		return `"mw help" lists the commands`
	}
	return fmt.Sprintf("%q shows how", c.Command.HelpName+" --help")
}

// hinted adds to err what to do about it.
func hinted(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &failure{err: err, code: exitCode(err), hint: fmt.Sprintf(format, args...)}
}

// report prints err as one line, and a hint as another, and returns the exit status.
func report(w io.Writer, ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	if stopped(ctx, err) && !errors.Is(err, coordinator.ErrUnknownOutcome) {
		fmt.Fprintln(w, "mw: interrupted")
		if sig, ok := errors.AsType[stopSignal](context.Cause(ctx)); ok {
			return sig.code()
		}
		return exitInterrupted
	}
	f, ok := errors.AsType[*failure](err)
	if ok && f.err == nil {
		return f.code
	}
	fmt.Fprintln(w, "mw:", oneLine(err))
	if hint := hint(err); hint != "" {
		fmt.Fprintln(w, "mw: hint:", hint)
	}
	return exitCode(err)
}

// stopped reports whether err only says that ctx has ended.
func stopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// oneLine shows err as a plain line and without the package names that
// tell a developer, not a user, where it comes from.
func oneLine(err error) string {
	parts := strings.Split(plain(strings.Join(strings.Fields(err.Error()), " ")), ": ")
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool {
		return slices.Contains(packages, part)
	}), ": ")
}

var packages = []string{
	"submit", "coordinator", "master", "worker", "local", "bench",
	"zkserver", "certs", "ensemble", "tcp", "wal", "apache", "client", "zkbench",
}

// exitCode is the first match of a table, so it reads from the special to the general.
func exitCode(err error) int {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	if _, ok := errors.AsType[cli.ExitCoder](err); ok {
		return exitUsage // only the cli package makes these, of mistyped commands
	}
	for _, row := range []struct {
		err  error
		code int
	}{
		{coordinator.ErrUnknownOutcome, exitUnknown},
		{errTLSRefused, exitDenied},
		{coordinator.ErrNoServer, exitNoServer},
		{submit.ErrNoQueue, exitNoServer},
		{coordinator.ErrNoAuth, exitDenied},
		{fs.ErrPermission, exitDenied},
		{coordinator.ErrTooLarge, exitUsage},
		{submit.ErrKeyUsed, exitUsage},
	} {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return exitFailed
}

// accepted reports whether err came after a connection was made.
func accepted(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op != "dial"
	}
	return errors.Is(err, io.EOF)
}

// hint is what to do about err, if we know.
func hint(err error) string {
	if f, ok := errors.AsType[*failure](err); ok && f.hint != "" {
		return f.hint
	}
	if u, ok := errors.AsType[*submit.UnknownError](err); ok {
		return fmt.Sprintf("the same command with --key %s is safe: it finds the task if there is one", u.Key)
	}
	if k, ok := errors.AsType[*submit.KeyUsedError](err); ok {
		return fmt.Sprintf("a key stands for one task, with its command and all its flags: \"mw status %s\" shows that one", k.Task)
	}
	if _, ok := errors.AsType[*submit.UnreachableError](err); ok {
		return listenHint
	}
	if hint := tlsHint(err); hint != "" {
		return hint
	}
	switch {
	case errors.Is(err, coordinator.ErrNoServer) && accepted(err):
		return `somebody listens there, but takes no clients: "mw server status" asks a server whether it has a quorum; one that speaks TLS alone wants --tls-ca`
	case errors.Is(err, coordinator.ErrNoServer):
		return `start one with "mw dev" (all in one process) or "mw server", or name yours with --servers`
	case errors.Is(err, submit.ErrNoQueue):
		return `the first "mw master" or "mw worker" with these --servers makes it; commands for tasks do not, as it may be mistyped`
	case errors.Is(err, coordinator.ErrTooLarge):
		return "a task takes half a megabyte with its flags: put long input in a file"
	case errors.Is(err, syscall.EADDRINUSE):
		return "--listen 127.0.0.1:0 takes a free port"
	case errors.Is(err, worker.ErrInUse):
		return "each worker on a machine needs a --name of its own, or a --data"
	case errors.Is(err, submit.ErrNoTask):
		return `"mw ps" lists the tasks; finished ones are deleted after a while`
	}
	return ""
}
