package worker

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// runSentinel is the sentinel process: it waits for the worker and its guard to
// be dead both, and kills what carries the worker's mark. Each of the two sees to
// the commands when only the other dies; but with SIGKILL for both at once, what
// the commands had started would live until the next worker starts on the
// directory (leftovers.go).
//
// It is the guard's program, told by its first frame what it is. The others are
// the instances it is for. Its stdin is a pipe that the worker and the guard hold
// open: the pipe's end is theirs.
func runSentinel(in *frames) int {
	takeSignals()
	var instances []string
	for {
		kind, payload, err := in.next()
		if err != nil || kind != frameSentinel {
			break
		}
		instances = append(instances, string(payload))
		instances = instances[max(0, len(instances)-maxInstances):]
	}
	killMarked(func(mark string) bool { return slices.Contains(instances, instanceIn(mark)) })
	return 0
}

// sentinel is the worker's side of the sentinel process: it starts one, and
// another if that has died when there is something to tell it. Its methods may be
// called from any goroutine.
type sentinel struct {
	argv []string
	r, w *os.File // the pipe; r is for the next process

	mu        sync.Mutex    // protects the fields below
	instances []string      // the last ones
	cmd       *exec.Cmd     // nil: none was started
	dead      chan struct{} // closed when cmd has ended
}

func newSentinel(argv []string) (*sentinel, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	return &sentinel{argv: argv, r: r, w: w}, nil
}

// watch makes the sentinel watch over one instance more. The error says that
// there is no sentinel.
func (s *sentinel) watch(instance string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.instances, instance) {
		s.instances = append(s.instances, instance)
		s.instances = s.instances[max(0, len(s.instances)-maxInstances):]
		s.tell(instance)
	}
	return s.reviveLocked()
}

// reviveLocked starts a process, unless there is one.
func (s *sentinel) reviveLocked() error {
	if s.cmd != nil {
		select {
		case <-s.dead:
		default:
			return nil
		}
	}
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Stdin, cmd.Stderr = s.r, os.Stderr
	cmd.Env = passedOn("PATH", "HOME", "LANG", "USER", "TMPDIR")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("worker: start sentinel process: %w", err)
	}
	dead := make(chan struct{})
	go func() { // ends with the process
		defer close(dead)
		_ = cmd.Wait()
	}()
	s.cmd, s.dead = cmd, dead
	s.tell("") // what it is
	for _, instance := range s.instances {
		s.tell(instance)
	}
	return nil
}

// tell sends an instance's name. It does not wait for a process that does not
// read.
func (s *sentinel) tell(instance string) {
	frame := appendFrame(nil, frameSentinel, func(b []byte) []byte { return append(b, instance...) })
	fd := int(s.w.Fd()) // which makes it blocking, as does handing it to a guard
	_ = unix.SetNonblock(fd, true)
	_, _ = unix.Write(fd, frame)
}

// close ends the process, which has nothing to do any more.
func (s *sentinel) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.dead
	}
	_ = s.r.Close()
	_ = s.w.Close()
}
