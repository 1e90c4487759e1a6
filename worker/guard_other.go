//go:build !linux

package worker

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Elsewhere than on Linux a guard still kills the process groups of its
// commands when the lease or the pipe ends. What it lacks: processes that left
// their group are not found, commands survive a SIGKILL of the guard itself,
// and the lease is measured by the wall clock.

func adoptOrphans() error { return nil }

func hideInherited() { closeOnExec("/dev/fd") }

func onOwnThread(body func()) { go body() }

func commandAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// exit is a child that has ended. It is reaped already: for a moment its group
// could be another's, were all pids used up in between.
type exit struct {
	pid    int
	status syscall.WaitStatus
}

func nextExit() (exit, error) {
	for {
		var e exit
		pid, err := syscall.Wait4(-1, &e.status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		e.pid = pid
		return e, err
	}
}

func (e exit) reap() syscall.WaitStatus { return e.status }

type orphanage struct{}

func newOrphanage() *orphanage { return new(orphanage) }

func (*orphanage) list() (pids []int, mixed bool) { return nil, false }

func processMark(int) (mark string, hidden bool) { return "", false }

const hasMarks = false

func killMarked(func(mark string) bool) int { return 0 }

func openPipe() (r *os.File, w int, err error) {
	var fds [2]int
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := unix.Pipe(fds[:]); err != nil {
		return nil, 0, err
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	_ = unix.SetNonblock(fds[0], true)
	return os.NewFile(uintptr(fds[0]), "pipe"), fds[1], nil
}
