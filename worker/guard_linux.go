package worker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of every descendant whose own
// parent dies (prctl(2), PR_SET_CHILD_SUBREAPER).
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// hideInherited keeps the descriptors that this process inherited from
// commands: whoever started the worker may have left some open.
func hideInherited() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) != nil { // before Linux 5.11
		closeOnExec("/proc/self/fd")
	}
}

// onOwnThread runs body in a goroutine with a thread of its own that is not
// the process's first one. Two things hang on the thread:
//
//   - Pdeathsig fires when the *thread* that forked ends, so it must not;
//   - the kernel hands orphans to the first thread, so that its children are
//     just the strays if nothing else is forked there.
func onOwnThread(body func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			onOwnThread(body)
			select {} // keeps the first thread to itself
		}
		body()
	}()
}

// commandAttr puts a command into a process group of its own, which dies with
// the guard.
func commandAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// exit is a child that has ended and is still a zombie: until it is reaped
// nobody else can get its pid.
type exit struct{ pid int }

// nextExit waits for a child to end. The error says that there are none.
func nextExit() (exit, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return exit{}, err
		}
		// struct siginfo: three ints, then, aligned as a pointer, si_pid.
		const align = unsafe.Sizeof(uintptr(0))
		const offset = (3*4 + align - 1) &^ (align - 1)
		return exit{int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), offset)))}, nil
	}
}

// reap ends the zombie and returns how it died.
func (e exit) reap() syscall.WaitStatus {
	var status syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(e.pid, &status, 0, nil); err != syscall.EINTR {
			return status
		}
	}
}

// orphanage lists the processes this process has adopted. It is for one
// goroutine at a time.
type orphanage struct {
	children *os.File // nil: a kernel without CONFIG_PROC_CHILDREN
	buf      []byte
}

func newOrphanage() *orphanage {
	self := strconv.Itoa(os.Getpid())
	f, _ := os.Open("/proc/self/task/" + self + "/children")
	return &orphanage{f, make([]byte, 64<<10)}
}

// list returns the adopted processes, up to some thousands; mixed says that
// there may be commands among them.
func (o *orphanage) list() (pids []int, mixed bool) {
	if o.children == nil {
		return childrenOf(strconv.Itoa(os.Getpid())), true
	}
	n, _ := o.children.ReadAt(o.buf, 0) // from the beginning, anew each time
	// Each number ends in a space; what has none may be cut in two.
	whole := o.buf[:bytes.LastIndexByte(o.buf[:n], ' ')+1]
	return numbers(strings.Fields(string(whole))), false
}

// childrenOf finds the children of a process the long way.
func childrenOf(parent string) []int {
	var children []int
	for _, pid := range processes() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// pid (comm) state ppid …; comm may hold anything, brackets too
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == parent {
			children = append(children, pid)
		}
	}
	return children
}

// numbers returns those of the names that are numbers.
func numbers(names []string) []int {
	var list []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// processMark returns the mark of a process, "" if it has none. It may have one
// that it does not show: a program in the middle of an exec shows no environment,
// for a moment. A zombie and a thread of the kernel are no programs.
func processMark(pid int) (mark string, hidden bool) {
	proc := fmt.Sprintf("/proc/%d/", pid)
	environ, err := os.ReadFile(proc + "environ")
	if err != nil {
		return "", !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) && !errors.Is(err, fs.ErrPermission)
	}
	if len(environ) == 0 {
		_, err := os.Readlink(proc + "exe")
		return "", err == nil
	}
	return markOf(strings.SplitSeq(string(environ), "\x00")), false
}

// killMarked looks at most killLooks times. It rests before it looks again, each
// time twice as long up to maxKillPause: in all for about a quarter of a second.
const (
	killLooks    = 10
	killPause    = 5 * time.Millisecond
	maxKillPause = 8 * killPause
)

// hasMarks says that the processes of a command can be found by their mark.
const hasMarks = true

// killMarked kills all processes on the machine with a mark that is meant, and
// returns how many there were. It looks until there are none, and none that may be
// in the middle of an exec, but for processes that cannot be killed. It never
// kills this process.
func killMarked(meant func(mark string) bool) int {
	killed := make(map[int]bool)
	pause := killPause
	for range killLooks {
		again := false
		for _, pid := range processes() {
			if pid == os.Getpid() {
				continue
			}
			dies, unsure := killIfMarked(pid, meant)
			if dies {
				killed[pid] = true
			}
			again = again || dies || unsure
		}
		if !again {
			break
		}
		time.Sleep(pause) // they are dying, or will show what they are
		pause = min(2*pause, maxKillPause)
	}
	return len(killed)
}

// killIfMarked kills a process. Its mark is read when we hold the process by a
// file descriptor: the pid cannot become another's in between. It is unsure of one
// that may show its mark later.
func killIfMarked(pid int, meant func(mark string) bool) (killed, unsure bool) {
	mark, hidden := processMark(pid)
	if mark == "" || !meant(mark) {
		return false, hidden
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false, false
	}
	defer unix.Close(fd)
	if mark, hidden = processMark(pid); mark == "" || !meant(mark) {
		return false, hidden
	}
	return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil, false
}

// processes lists all processes.
func processes() []int {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	return numbers(names)
}

// openPipe makes a pipe whose reading end knows deadlines and whose writing
// end is an ordinary blocking one, for a command.
func openPipe() (r *os.File, w int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, 0, fmt.Errorf("make pipe: %w", err)
	}
	_ = unix.SetNonblock(fds[0], true) // cannot fail on a pipe
	return os.NewFile(uintptr(fds[0]), "pipe"), fds[1], nil
}
