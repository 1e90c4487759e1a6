//go:build !linux

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Elsewhere than on Linux a command under a lock still ends with the lease. What
// is lacking: what it left behind is not found once its own parent is dead, it
// survives a SIGKILL of mw lock and its guard together, and the lease is measured
// by the wall clock.

func adoptOrphans() error { return nil }

func lockedAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// killChildren sends SIGKILL to every descendant of this process that ps shows, and
// says whether some may not be sent one.
func killChildren() (beyond bool) {
	out, _ := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output() // in a guard, its end is reaped by another
	children := make(map[int][]int)
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 {
			pid, _ := strconv.Atoi(f[0])
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], pid)
		}
	}
	for todo := children[os.Getpid()]; len(todo) > 0; todo = todo[1:] {
		beyond = syscall.Kill(todo[0], syscall.SIGKILL) == syscall.EPERM || beyond
		todo = append(todo, children[todo[0]]...)
	}
	return beyond
}
