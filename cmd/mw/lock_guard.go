package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/mwqueue/mw/boottime"
	"github.com/urfave/cli/v2"
)

// lockGuardName is the command that mw lock starts itself as.
const lockGuardName = "lock-guard"

func lockGuardCommand() *cli.Command {
	return &cli.Command{
		Name:            lockGuardName,
		Usage:           "hold a command that runs under a lock; started by mw lock",
		UsageText:       "mw lock-guard FILE ARGV…",
		Description:     "Reads how long the command may live on descriptor 3 and reports on 4. Not for people.",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return usagef(c, "not for people")
			}
			syscall.CloseOnExec(3)
			syscall.CloseOnExec(4)
			return exit(runLockGuard(os.NewFile(3, "requests"), os.NewFile(4, "reports"), c.Args().First(), c.Args().Tail()))
		},
	}
}

// lockGuard is a process of its own between mw lock and the command, for what mw
// lock itself cannot do when it is stopped or killed: end the command before the
// lock can be another's. It is the parent of all that the command starts, and
// ends when all of that has.
//
//	lease, alarm -> SIGTERM before the lease ends, SIGKILL when it does
//	signal       -> to the command, unless it has it already
//	kill, EOF    -> SIGKILL
//	child ends   -> the command's: SIGKILL to what it left behind
//	no children, or none that can be killed -> report
type lockGuard struct {
	alarm *boottime.Alarm
	lease lockLease
	pid   int // of the command
	end   commandEnd

	seen    map[os.Signal]time.Time // signals that we got ourselves
	sending chan syscall.Signal     // whose time has come to be passed on
	killing <-chan time.Time        // when to kill again; nil: not killing
	pause   time.Duration
	beyond  int // looks, of those after the lock's end, at which some could not be killed
}

const (
	// settleSignal is how long the guard waits whether it gets a signal, too, that
	// mw lock got: then it was for all of us, as from a terminal, and the command
	// has it already.
	settleSignal = 50 * time.Millisecond

	// minKillPause and maxKillPause are between two looks for processes to kill.
	minKillPause = 5 * time.Millisecond
	maxKillPause = 200 * time.Millisecond

	// maxBeyond is how many looks are enough to know that what is left cannot be
	// killed.
	maxBeyond = 4
)

// runLockGuard runs the command until it has ended, and returns our exit status.
func runLockGuard(in, out *os.File, file string, argv []string) int {
	runtime.LockOSThread() // the command dies with the thread that forks it: this one, which stays
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append(forwarded(), syscall.SIGTSTP, syscall.SIGPIPE)...) // handled, not ignored: that would be inherited
	g := &lockGuard{seen: make(map[os.Signal]time.Time), sending: make(chan syscall.Signal, 16)}
	requests := make(chan string)
	go readLines(in, requests)
	fired := make(chan struct{})
	err := adoptOrphans()
	if err == nil {
		g.alarm, err = boottime.NewAlarm()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mw: guard:", err)
		return exitFailed
	}
	go func() { // ends with the process
		for g.alarm.Wait() == nil {
			fired <- struct{}{}
		}
	}()
	if !g.serve(<-requests) || g.lease.over || g.lease.warned { // the first is the lease
		fmt.Fprintf(out, sayEnded, 0, 0, endedKilled)
		return 0
	}
	if g.pid, err = syscall.ForkExec(file, argv, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: lockedAttr()}); err != nil {
		errno, _ := err.(syscall.Errno)
		fmt.Fprintf(out, sayFailed, max(int(errno), 1))
		return 0
	}
	g.run(requests, fired, signals)
	fmt.Fprintf(out, sayEnded, g.end.code, g.end.signal, g.end.why)
	return 0
}

// forwarded are the signals that mw lock passes on to its command.
func forwarded() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}
}

// readLines gives the lines of a pipe, and ends with it.
func readLines(in *os.File, lines chan<- string) {
	defer close(lines)
	for s := bufio.NewScanner(in); s.Scan(); {
		lines <- s.Text()
	}
}

// run serves mw lock until the command and all it started have ended.
func (g *lockGuard) run(requests <-chan string, fired <-chan struct{}, signals <-chan os.Signal) {
	ended := make(chan syscall.WaitStatus, 1)
	childless := make(chan struct{})
	go reapAll(g.pid, ended, childless)
	for {
		select {
		case line, ok := <-requests:
			if !ok {
				requests = nil // mw lock is dead
				g.kill(endedOrphan)
			} else {
				g.serve(line)
			}
		case <-fired:
			g.look()
		case sig := <-signals:
			g.seen[sig] = time.Now()
		case sig := <-g.sending:
			if g.pid != 0 && time.Since(g.seen[sig]) > 2*settleSignal {
				_ = syscall.Kill(g.pid, sig)
			}
		case status := <-ended:
			g.pid = 0 // another's, perhaps
			g.end.code, g.end.signal = status.ExitStatus(), 0
			if status.Signaled() {
				g.end.signal = status.Signal()
			}
			g.kill(g.end.why)
		case <-g.killing:
			if killChildren() && g.end.why != endedItself { // else we wait, with the lock
				if g.beyond++; g.beyond == maxBeyond {
					if g.end.why == endedOrphan { // nobody else can say it
						fmt.Fprintln(os.Stderr, "mw: lock:", errBeyond)
					}
					g.end.why = endedBeyond
					return
				}
			}
			g.pause = min(2*g.pause, maxKillPause)
			g.killing = time.After(g.pause)
		case <-childless:
			return
		}
	}
}

// serve does what mw lock asks for, and says whether it was understood.
func (g *lockGuard) serve(line string) bool {
	var deadline, warning int64
	var sig syscall.Signal
	if n, _ := fmt.Sscanf(line+"\n", sayLease, &deadline, &warning); n == 2 {
		g.lease.extend(deadline, warning)
		g.look()
		return true
	}
	if n, _ := fmt.Sscanf(line+"\n", saySignal, &sig); n == 1 {
		time.AfterFunc(settleSignal, func() { g.sending <- sig })
		return true
	}
	g.kill(endedKilled) // that is what is asked for, or the pipe is broken
	return false
}

// look does what the lease says, and sets the alarm for when it will say more.
func (g *lockGuard) look() {
	sig, again := g.lease.due(boottime.Now())
	switch {
	case sig == syscall.SIGKILL:
		g.kill(endedKilled)
	case sig != 0:
		g.end.why = max(g.end.why, endedWarned)
		if g.pid != 0 {
			_ = syscall.Kill(g.pid, sig)
		}
	}
	if again > 0 {
		_ = g.alarm.Set(again) // fails for no time there is
	}
}

// kill ends the command and everything it started.
func (g *lockGuard) kill(why lockEnd) {
	g.end.why = max(g.end.why, why)
	if g.killing == nil {
		killChildren()
		g.pause = minKillPause
		g.killing = time.After(g.pause)
	}
}

// reapAll waits for children of this process until there are none: the command,
// of whose end it tells, and what it left behind.
func reapAll(pid int, ended chan<- syscall.WaitStatus, childless chan<- struct{}) {
	defer close(childless)
	for {
		var status syscall.WaitStatus
		child, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return
		case child == pid:
			ended <- status
		}
	}
}
