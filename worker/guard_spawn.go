package worker

import (
	"errors"
	"os"
	"strconv"
	"syscall"

	"github.com/mwqueue/mw/boottime"
)

// spawnLoop starts commands. It runs on a thread of its own and never returns:
// the commands would die with the thread.
func (g *guard) spawnLoop() {
	for {
		g.spawn(g.nextStart())
	}
}

func (g *guard) nextStart() *guarded {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.starts) == 0 {
		g.waiting.Wait()
	}
	r := g.starts[0]
	g.starts[0] = nil
	g.starts = g.starts[1:]
	return r
}

// spawn starts the command, or reports why it did not.
func (g *guard) spawn(r *guarded) {
	files := []uintptr{g.null.Fd(), 0, 0}
	for i, path := range []string{r.Stdout, r.Stderr} {
		pipe, w, err := openPipe()
		if err != nil {
			r.ended.Own = true
			g.abandon(r, files[1:1+i], err)
			return
		}
		files[1+i] = uintptr(w)
		r.streams[i] = newStream(pipe, path, r.Limit)
	}

	g.forking.RLock()
	err := errNotAdmitted
	if g.admit(r) {
		var pid int
		pid, err = syscall.ForkExec(r.Path, r.Argv, &syscall.ProcAttr{
			Dir: r.Dir, Env: r.Env, Files: files, Sys: commandAttr(),
		})
		g.settle(r, pid)
	}
	g.forking.RUnlock()

	if err != nil {
		g.abandon(r, files[1:], err)
		return
	}
	for i, s := range r.streams {
		_ = syscall.Close(int(files[1+i]))
		go func() { // ends with the pipe, drainGrace after the process at the latest
			s.copyOut()
			g.report(r)
		}()
	}
	g.wakeReaper()
}

var errNotAdmitted = errors.New("worker: command not admitted")

// closeOnExec keeps the descriptors that the directory lists, but for the
// standard streams, from commands.
func closeOnExec(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// admit reports whether the command may be started, and counts it as spawning
// if so.
func (g *guard) admit(r *guarded) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Session <= g.over || r.Session != g.session || boottime.Now() >= g.deadline {
		r.fenced = true
	}
	if r.fenced || r.signal != 0 {
		return false
	}
	g.spawning++
	return true
}

// settle ends the spawning of an admitted command; pid is 0 if it could not be
// started. What came for it meanwhile is done now.
func (g *guard) settle(r *guarded, pid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spawning--
	if pid == 0 {
		g.ackLocked()
		return
	}
	r.pid = pid
	g.pids[pid] = r
	g.events.send(appendRun(nil, frameStarted, r.Run, pid))
	if r.signal != 0 {
		_ = syscall.Kill(-pid, r.signal)
	}
	if r.fenced {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// abandon reports a command that was not started.
func (g *guard) abandon(r *guarded, writers []uintptr, err error) {
	for _, w := range writers {
		_ = syscall.Close(int(w))
	}
	for _, s := range r.streams {
		if s != nil {
			s.close()
		}
	}
	g.mu.Lock()
	r.reaped = true
	r.ended.Fenced, r.ended.Signal = r.fenced, int(r.signal)
	if !errors.Is(err, errNotAdmitted) {
		errno := syscall.EIO
		errors.As(err, &errno)
		r.ended.Errno = uint64(errno)
	}
	g.mu.Unlock()
	r.parts.Store(1)
	g.report(r)
}
