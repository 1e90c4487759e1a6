package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of every descendant whose own
// parent dies (prctl(2), PR_SET_CHILD_SUBREAPER).
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// lockedAttr makes the command die with its guard. It stays in our process group,
// so that a terminal treats it as what was typed.
func lockedAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// killChildren sends SIGKILL to every descendant of this process, and says whether
// some may not be sent one, having become another user. More may have come
// meanwhile: it is called until there are none.
func killChildren() (beyond bool) {
	children := make(map[int][]procStat) // by parent
	proc, err := os.Open("/proc")
	if err != nil {
		return false
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if st, ok := readStat(pid); ok {
				children[st.parent] = append(children[st.parent], st)
			}
		}
	}
	for todo := children[os.Getpid()]; len(todo) > 0; todo = todo[1:] {
		beyond = todo[0].kill() == unix.EPERM || beyond
		todo = append(todo, children[todo[0].pid]...)
	}
	return beyond
}

// procStat tells a process from a later one with the same number.
type procStat struct {
	pid, parent int
	started     string
}

// readStat reads /proc/PID/stat.
func readStat(pid int) (st procStat, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return st, false
	}
	// pid (comm) state ppid … starttime is the 22nd; comm may hold anything
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return st, false
	}
	parent, err := strconv.Atoi(fields[1])
	return procStat{pid, parent, fields[19]}, err == nil
}

// kill kills the process, and no other one: its number is looked at again when we
// hold the process by a file descriptor.
func (st procStat) kill() error {
	fd, err := unix.PidfdOpen(st.pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if now, ok := readStat(st.pid); ok && now.started == st.started {
		return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
	return unix.ESRCH
}
