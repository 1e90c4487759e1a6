package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// hookTimeout is how long a command may take. One that takes longer has failed.
const hookTimeout = 5 * time.Second

// hooks are the commands by which a controller sees and moves services.
type hooks struct{ check, activate, standby, fence string }

func (h hooks) checkHealth(ctx context.Context, role string, fence int64) error {
	if err := run(ctx, "check", h.check, "MW_ROLE="+role, number(fence)); err != nil {
		return fmt.Errorf("%w: %w", errUnhealthy, err)
	}
	return nil
}

func (h hooks) activateService(ctx context.Context, fence int64) error {
	return run(ctx, "activate", h.activate, number(fence))
}

func (h hooks) standbyService(ctx context.Context, fence int64) error {
	return run(ctx, "standby", h.standby, number(fence))
}

func (h hooks) fenceNode(ctx context.Context, node string, fence int64) error {
	return run(ctx, "fence", h.fence, "MW_NODE="+node, number(fence))
}

// number is how a command learns the number of the lock: a service that has seen
// a greater one does not obey.
func number(fence int64) string { return fmt.Sprintf("MW_FENCE=%d", fence) }

// run runs a command, and kills it with all its group when ctx ends.
func run(ctx context.Context, name, line string, env ...string) error {
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %.200s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
