package mwtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// A Process is one program that was started, with its standard output and
// error appended to a log file. Its methods may be called from any goroutine.
type Process struct {
	Name string   // what it is called in logs and errors
	Log  string   // the file that holds what it printed
	Addr string   // where a master or server listens; "" for others
	argv []string // how to start it again
	env  []string
	tl   *timeline // hears of what happens to it

	mu   sync.Mutex // protects the fields below
	cmd  *exec.Cmd
	done chan struct{} // closed by the goroutine that waits for cmd
	err  error         // how cmd ended; valid once done is closed
}

// start runs argv as name, logging to dir/name.log and to tl.
func start(tl *timeline, dir, name string, env []string, argv ...string) (*Process, error) {
	p := &Process{Name: name, Log: filepath.Join(dir, name+".log"), argv: argv, env: env, tl: tl}
	return p, p.Start()
}

// Start starts the program again after it has ended. It is an error to start
// one that runs.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && !p.endedLocked() {
		return fmt.Errorf("start %s: it runs already", p.Name)
	}
	out, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer out.Close()

	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, out, out
	// A group of its own: Ctrl-C at a demo's terminal reaches the demo alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.tl.add(p.Name, "started, process %d", cmd.Process.Pid)
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() { // ends with the process
		err := cmd.Wait()
		p.tl.add(p.Name, "ended: %v, process %d", cmd.ProcessState, cmd.Process.Pid)
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(done)
	}()
	return nil
}

func (p *Process) endedLocked() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Running reports whether the process has been started and has not ended.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && !p.endedLocked()
}

// PID is the number of the process started last.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Done is closed when the process started last has ended.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Kill sends SIGKILL and waits for the end.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.Done()
	return nil
}

// Pause stops the process with SIGSTOP: it keeps its memory and sockets and
// says nothing more. Resume lets it go on.
func (p *Process) Pause() error  { return p.Signal(syscall.SIGSTOP) }
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }

// Terminate asks the process to end with SIGTERM and does not wait.
func (p *Process) Terminate() error { return p.Signal(syscall.SIGTERM) }

// Signal sends sig. A process that has ended already is not an error.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	cmd := p.cmd
	p.mu.Unlock()
	p.tl.add(p.Name, "%s, process %d", sent(sig), cmd.Process.Pid)
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s with %v: %w", p.Name, sig, err)
	}
	return nil
}

// sent is what a signal that is sent does, in a word.
func sent(sig syscall.Signal) string {
	switch sig {
	case syscall.SIGKILL:
		return "killed"
	case syscall.SIGSTOP:
		return "stopped (signal)"
	case syscall.SIGCONT:
		return "continued"
	case syscall.SIGTERM:
		return "asked to end"
	}
	return sig.String()
}
