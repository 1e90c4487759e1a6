package main

import (
	"context"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A process is started again whenever it ends, as by systemd.
type process struct {
	argv, env []string
	out       io.Writer

	mu  sync.Mutex // protects the field below
	cmd *exec.Cmd  // the one that runs, or ran last; nil: none yet
}

// run keeps it running until ctx ends.
func (p *process) run(ctx context.Context) {
	for ctx.Err() == nil {
		if cmd := p.start(ctx); cmd != nil {
			_ = cmd.Wait()
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// start starts it, and is nil when that was not possible.
func (p *process) start(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.out, p.out
	cmd.WaitDelay = time.Second // for a hook that outlives its controller
	p.mu.Lock()
	defer p.mu.Unlock()
	if cmd.Start() != nil {
		return nil
	}
	p.cmd = cmd
	return cmd
}

// signal signals it; one that has ended hears nothing.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(sig)
	}
}
