package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

// locksPath is where locks are that are given by a name.
const locksPath = "/locks/"

// waitingHint is how long one waits before being told for whom.
const waitingHint = 2 * time.Second

func lockCommand() *cli.Command {
	return &cli.Command{
		Name:        "lock",
		Usage:       "run a command while holding a lock",
		UsageText:   "mw lock NAME [flags] -- PROGRAM [ARGUMENT]…",
		Description: lockHelp,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "nowait", Aliases: []string{"n"}, Usage: "do not wait for a lock that another holds"},
			&cli.DurationFlag{Name: "timeout", Aliases: []string{"w"}, Usage: "wait for the lock `D` at most", DefaultText: "none"},
			&cli.BoolFlag{Name: "shared", Aliases: []string{"s"}, Usage: "share the lock with others that do"},
			&cli.IntFlag{Name: "conflict-exit-code", Aliases: []string{"E"}, Value: exitTimedOut, Usage: "exit with `N` if the lock was not to be had"},
		}, serviceFlags()...),
		Action: runLock,
	}
}

const lockHelp = `Waits until the lock is ours, runs the program here, with this terminal and
environment, and releases the lock when it has ended. Exits with its code;
128+n if signal n ended it; 126, 127 if it cannot be executed or is not found.

Contenders get the lock in the order they came, from all machines; each is woken
by the one before it alone. NAME is the znode /locks/NAME; one that begins with /
is a path of its own, on which Curator's InterProcessMutex may wait, too. Locks
taken with --shared are held side by side, and not beside others. A name that
nobody uses any more is deleted by the service.

124, or what -E says: --timeout passed, or another holds it and --nowait was
given; the program was not run. (flock(1) has 1 there: -E 1.) 125: the lock was
lost and the program was ended, or mw failed. 69: no server.

The program sees the lock's name in MW_LOCK and a number in MW_FENCE that grows
with each holder: whatever it writes to can refuse a number lower than one it has
seen, which is the only defence against a holder that was paused with its whole
machine and does not know yet that its time is over.

Two holders do not run at once. When the service does not answer for 0.45 of the
session timeout, the program gets SIGTERM; after 0.6 of it, when the lock might
be given to another, or when the lock is lost for sure, it and everything it
started get SIGKILL. A guard process sees to that also if mw lock itself is
stopped or killed, and mw lock if the guard is; kill -9 for both ends the program,
though not what it started. The limits: with both stopped the program outlives the
lock, and what has become another user by a setuid program, as in mw lock x -- sudo
job, cannot be killed by us: that is said, with 125, and it goes on without the
lock. Write sudo mw lock x -- job.
What the program leaves behind in the background when it ends is killed, for it
would run without the lock.

SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on to the
program; while waiting they end mw lock. Ctrl-Z loses the lock.

Examples:
   mw lock backup -- ./backup.sh
   mw lock deploy --nowait -- make deploy       not now if somebody does already
   mw lock db --timeout 30s -- psql -f migrate.sql
   mw lock data --shared -- ./report.sh         beside other reports
   mw lock nightly -n -E 0 -- ./nightly.sh      in cron on each host: one runs it`

// lockWords is a command line after the flags: NAME [flags] [--] PROGRAM…
type lockWords struct {
	name  string
	flags []string // those after the name
	argv  []string
}

// parseLockWords takes the words apart. Flags after the name end with "--".
func parseLockWords(words []string) (w lockWords, problem string) {
	if len(words) == 0 {
		return w, "which lock?"
	}
	w.name, w.argv = words[0], words[1:]
	if len(w.argv) > 0 && strings.HasPrefix(w.argv[0], "-") {
		end := slices.Index(w.argv, "--")
		if end < 0 {
			return w, fmt.Sprintf("%q is no program: the program and its arguments stand after --", w.argv[0])
		}
		w.flags, w.argv = w.argv[:end], w.argv[end+1:]
	}
	switch {
	case w.name == "" || strings.HasSuffix(w.name, "/"):
		return w, fmt.Sprintf("%q names no lock", w.name)
	case coordinator.CheckPath(lockPath(w.name)) != nil:
		return w, fmt.Sprintf("%q cannot name a znode", w.name)
	case len(w.argv) == 0:
		return w, fmt.Sprintf("what is to run under the lock %q?", w.name)
	}
	return w, ""
}

// flagsMoved marks the context of a command line whose flags stood after the
// name, and were put before it.
type flagsMoved struct{}

func runLock(c *cli.Context) error {
	words := c.Args().Slice()
	w, problem := parseLockWords(words)
	if problem != "" {
		return usagef(c, "%s", problem)
	}
	moved := c.Context.Value(flagsMoved{}) != nil
	switch {
	case moved && words[1] != "--":
		return usagef(c, "%q is no flag", words[0])
	case len(w.flags) > 0:
		line := slices.Concat(os.Args[:len(os.Args)-len(words)], w.flags, []string{w.name, "--"}, w.argv)
		return newApp().RunContext(context.WithValue(c.Context, flagsMoved{}, true), line)
	}
	if d := c.Duration("timeout"); d < 0 {
		return usagef(c, "--timeout is %s, must not be negative", d)
	}
	if n := c.Int("conflict-exit-code"); n < 0 || n > 255 {
		return usagef(c, "--conflict-exit-code is %d, must be from 0 to 255", n)
	}
	file, err := exec.LookPath(w.argv[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return notRunnable(w.argv[0], err)
	}
	return lockAndRun(c, w, file)
}

// notRunnable says that a program is not to be found or executed, as shells do.
func notRunnable(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return &failure{err: fmt.Errorf("%s: command not found", name), code: 127}
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return &failure{err: fmt.Errorf("%s: %w", name, err), code: 126}
}

func lockAndRun(c *cli.Context, w lockWords, file string) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded()...) // before we hold anything, so that none kills us then
	defer signal.Stop(signals)
	s, err := openSession(c)
	if err != nil {
		return err
	}
	defer s.Close() // which releases the lock, and does not wait long for the service

	r := coordinator.LockRequest{Path: lockPath(w.name), Shared: c.Bool("shared"), NoWait: c.Bool("nowait"), Note: lockNote()}
	lock, err := acquireLock(c, s, r)
	if err != nil {
		return err
	}
	env := append(os.Environ(), "MW_LOCK="+w.name, "MW_FENCE="+strconv.FormatInt(lock.Fence(), 10))
	end, err := runUnder(s, lock, signals, file, w.argv, env)
	switch {
	case errors.Is(err, errBeyond):
		return &failure{err: fmt.Errorf("lock %s: %w", w.name, err), code: exitFailed}
	case err != nil:
		return &failure{err: fmt.Errorf("lock %s: the command was ended: %w", w.name, err), code: exitFailed}
	case end.errno != 0:
		return notRunnable(w.argv[0], end.errno)
	case end.signal != 0:
		return exit(128 + int(end.signal))
	}
	return exit(end.code)
}

// openSession connects; the caller closes it.
func openSession(c *cli.Context) (s *coordinator.Session, err error) {
	cfg, connected, err := serviceOnce(c)
	if err != nil {
		return nil, err
	}
	if global(c, "log-level") == "" {
		cfg.Log = cfg.Log.Hook(saidInTheEnd)
	}
	err = reach(c, func(ctx context.Context) (err error) {
		s, err = coordinator.Connect(ctx, cfg)
		return err
	})
	if err == nil {
		connected()
	}
	return s, err
}

// saidInTheEnd leaves out of the log that the session is lost: the command ends with
// it, and says so.
var saidInTheEnd = zerolog.HookFunc(func(e *zerolog.Event, _ zerolog.Level, msg string) {
	if msg == "session lost" {
		e.Discard()
	}
})

func lockPath(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return locksPath + name
}

// lockNote is what others learn of us while we hold the lock or wait for it.
func lockNote() []byte {
	host, _ := os.Hostname()
	return fmt.Appendf(nil, "%s, process %d", host, os.Getpid())
}

// acquireLock waits for the lock, until a signal comes or the patience is over.
func acquireLock(c *cli.Context, s *coordinator.Session, r coordinator.LockRequest) (*coordinator.Lock, error) {
	signaled, stop := untilSignal(c.Context, forwarded()...)
	defer stop()
	ctx, cancel := context.WithCancel(signaled)
	if d := c.Duration("timeout"); d > 0 {
		ctx, cancel = context.WithTimeoutCause(signaled, d, coordinator.ErrLockHeld)
	}
	defer cancel()
	hint := time.AfterFunc(waitingHint, func() { note("waiting for the lock %s: %s", c.Args().First(), heldBy(ctx, s, r.Path)) })
	defer hint.Stop()

	lock, err := s.Acquire(ctx, r)
	if err == nil {
		return lock, nil
	}
	if sig, ok := errors.AsType[stopSignal](context.Cause(signaled)); ok {
		note("interrupted")
		return nil, exit(sig.code())
	}
	if errors.Is(err, coordinator.ErrLockHeld) {
		return nil, &failure{err: fmt.Errorf("lock %s: %s", c.Args().First(), heldBy(c.Context, s, r.Path)), code: c.Int("conflict-exit-code")}
	}
	return nil, err
}

// heldBy says who holds a lock, as far as can be told within a second.
func heldBy(ctx context.Context, s *coordinator.Session, path string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	queue, err := s.Contenders(ctx, path)
	if err != nil || len(queue) == 0 {
		return "held by another"
	}
	who := "another"
	if text, _, err := s.Get(ctx, path+"/"+queue[0].Name); err == nil && len(text) > 0 {
		who = short(string(text), 80)
	}
	waiting := 0
	for _, one := range queue {
		if !one.Holds {
			waiting++
		}
	}
	if others := len(queue) - waiting - 1; others > 0 {
		who += fmt.Sprintf(" and %d more", others)
	}
	return fmt.Sprintf("held by %s; in the queue: %d", who, waiting)
}
