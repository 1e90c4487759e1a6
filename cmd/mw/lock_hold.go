package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

const (
	// guardWrite bounds a write to a guard that does not read.
	guardWrite = time.Second
)

// guardPatience is how long after the end of the lock the guard may take to report
// that everything is dead. One that is stopped does not, and is killed. The lock
// ends after 0.6 of the session timeout, and can be another's after the whole of it.
func guardPatience(timeout time.Duration) time.Duration { return min(500*time.Millisecond, timeout/10) }

var (
	errGuardDied = errors.New("the guard of the command died")
	errBeyond    = errors.New("the command, or what it started, has become another user and cannot be killed: it goes on without the lock")
)

// runUnder runs a command under a lock and returns how it ended, when it and all
// it started have. The error says why it was not left to end by itself.
func runUnder(s *coordinator.Session, lock *coordinator.Lock, signals <-chan os.Signal, file string, argv, env []string) (commandEnd, error) {
	if err := adoptOrphans(); err != nil { // should the guard be killed, they are ours
		return commandEnd{}, fmt.Errorf("become subreaper: %w", err)
	}
	g, err := startLockGuard(file, argv, env)
	if err != nil {
		return commandEnd{}, err
	}
	defer g.close()
	g.extend(s)
	lost := lock.Context().Done()
	var overdue <-chan time.Time
	for {
		select {
		case <-s.Renewed():
			g.extend(s)
		case sig := <-signals:
			g.say(saySignal, int(sig.(syscall.Signal)))
		case <-lost:
			lost, overdue = nil, time.After(guardPatience(s.Timeout()))
			g.say(sayKill)
		case <-overdue:
			_ = g.cmd.Process.Kill()
		case end, ok := <-g.ended:
			if !ok {
				end.why, err = endedKilled, errGuardDied
				if !g.killRest(lock.Context()) {
					end.why = endedBeyond
				}
			}
			return end, whyEnded(end, lock, err)
		}
	}
}

// whyEnded says why the command was ended, nil if it was not.
func whyEnded(end commandEnd, lock *coordinator.Lock, err error) error {
	switch {
	case end.why == endedItself || end.errno != 0:
		return nil
	case end.why == endedBeyond:
		return errBeyond
	case lock.Context().Err() != nil:
		return context.Cause(lock.Context())
	case err != nil:
		return err
	case end.why == endedWarned:
		return errors.New("the service was silent, and the session about to be lost")
	}
	return coordinator.ErrSessionLost // in time to come
}

// lockGuardLink is our side of a guard.
type lockGuardLink struct {
	cmd   *exec.Cmd
	in    *os.File
	ended chan commandEnd // one, then closed: by the guard's death at the latest
}

// startLockGuard starts this program again as the guard of a command, with our
// terminal and everything.
func startLockGuard(file string, argv, env []string) (*lockGuardLink, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, inW.Close())
	}
	defer outW.Close()
	cmd := exec.Command(self, append([]string{lockGuardName, file}, argv...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{inR, outW}
	cmd.Env = env
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start guard: %w", err), inW.Close(), outR.Close())
	}
	g := &lockGuardLink{cmd: cmd, in: inW, ended: make(chan commandEnd, 1)}
	go g.listen(outR) // ends with the guard
	return g, nil
}

func (g *lockGuardLink) listen(out *os.File) {
	defer close(g.ended)
	defer out.Close()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if end, ok := parseEnd(lines.Text()); ok {
			g.ended <- end
			break
		}
	}
	_ = g.cmd.Wait()
}

// extend tells the guard how long the session is safe.
func (g *lockGuardLink) extend(s *coordinator.Session) {
	g.say(sayLease, bootDeadline(s.Lease()), lockWarning(s.Timeout()).Nanoseconds())
}

// say tells the guard something. One that does not read, or is broken, is killed:
// what it guards is killed with it.
func (g *lockGuardLink) say(format string, words ...any) {
	_ = g.in.SetWriteDeadline(time.Now().Add(guardWrite))
	if _, err := fmt.Fprintf(g.in, format, words...); err != nil {
		_ = g.cmd.Process.Kill()
	}
}

// killRest ends what a guard has left behind that died before its time. The
// command died with it, and what that has started is now ours. For what cannot be
// killed it waits as long as we have the lock, and returns false then.
func (g *lockGuardLink) killRest(lock context.Context) bool {
	ended, childless := make(chan syscall.WaitStatus, 1), make(chan struct{})
	go reapAll(0, ended, childless)
	pause := minKillPause
	for {
		if killChildren() && lock.Err() != nil {
			return false
		}
		select {
		case <-childless:
			return true
		case <-time.After(pause):
			pause = min(2*pause, maxKillPause)
		}
	}
}

func (g *lockGuardLink) close() { _ = g.in.Close() }
