package storm

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is that of one member, through all its lives. Its methods are for one
// goroutine.
type process struct {
	t       testing.TB
	name    string
	log     string // file
	command func() *exec.Cmd

	cmd     *exec.Cmd
	over    chan struct{} // closed when cmd has ended
	stopped bool          // by SIGSTOP

	mu       sync.Mutex // protects the fields below
	expected bool       // that it ends
	ends     []string   // of its own accord
}

// start starts the process, in a group of its own.
func (p *process) start() {
	p.t.Helper()
	if p.running() {
		return
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	fmt.Fprintf(out, "=== %s start\n", time.Now().Format(time.StampMilli))
	cmd, over := p.command(), make(chan struct{})
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.cmd, p.over, p.stopped = cmd, over, false
	p.expect(false)
	go func() { // ends with the process
		err := cmd.Wait()
		p.mu.Lock()
		if !p.expected {
			p.ends = append(p.ends, fmt.Sprintf("%s ended by itself: %v", p.name, err))
		}
		p.mu.Unlock()
		close(over)
	}()
}

func (p *process) expect(end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = end
}

// ended says when the process has ended and nobody had asked it to.
func (p *process) ended() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends
}

func (p *process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.over:
		return false
	default:
		return true
	}
}

// kill is kill -9, and waits for the end.
func (p *process) kill() { p.end(syscall.SIGKILL) }

// terminate asks it to end, and kills it if it does not.
func (p *process) terminate() { p.end(syscall.SIGTERM) }

func (p *process) end(sig syscall.Signal) {
	if !p.running() {
		return
	}
	p.expect(true)
	p.signal(sig)
	p.cont()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	select {
	case <-p.over:
	case <-late.C:
		p.t.Errorf("%s has not ended 30 s after %v", p.name, sig)
		p.signal(syscall.SIGKILL)
		<-p.over
	}
}

// stop is SIGSTOP, and cont lets it go on.
func (p *process) stop() {
	if p.running() {
		p.signal(syscall.SIGSTOP)
		p.stopped = true
	}
}

func (p *process) cont() {
	if p.stopped {
		p.signal(syscall.SIGCONT)
		p.stopped = false
	}
}

func (p *process) signal(sig syscall.Signal) {
	syscall.Kill(-p.cmd.Process.Pid, sig) // it may have ended
}

// tail is the end of its log.
func (p *process) tail(lines int) string {
	b, _ := os.ReadFile(p.log)
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
