package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// story starts servers as processes of their own, ends one politely and one with
// kill -9, and shows what a client sees of that, and after how long.
func story(ctx context.Context, out io.Writer, cfg coordinator.Config) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // kills what is left of the servers
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	list := s.FollowMembers(ctx, path)
	began := time.Now()
	sees := func(want ...string) error {
		for members := range list {
			fmt.Fprintf(out, "%6d ms   a client sees %v\n", time.Since(began).Milliseconds(), addresses(members))
			if slices.Equal(addresses(members), want) {
				return nil
			}
		}
		return fmt.Errorf("the list was never %v: %w", want, context.Cause(s.Context()))
	}
	if err := sees(); err != nil {
		return err
	}

	running := make(map[string]*exec.Cmd)
	var now []string
	for _, addr := range []string{"web1:80", "web2:80", "web3:80"} {
		fmt.Fprintln(out, "starting", addr)
		began = time.Now()
		if running[addr], err = start(ctx, cfg, addr); err != nil {
			return err
		}
		now = append(now, addr)
		if err := sees(now...); err != nil {
			return err
		}
	}

	fmt.Fprintln(out, "web2:80 is told to stop")
	began = time.Now()
	_ = running["web2:80"].Process.Signal(syscall.SIGTERM)
	if err := sees("web1:80", "web3:80"); err != nil {
		return err
	}
	fmt.Fprintf(out, "web1:80 is killed; its session of %v ends by itself\n", s.Timeout())
	began = time.Now()
	_ = running["web1:80"].Process.Kill()
	return sees("web3:80")
}

// start runs this program as a server until ctx ends.
func start(ctx context.Context, cfg coordinator.Config, addr string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-servers", strings.Join(cfg.Servers, ",")+cfg.Chroot, "-serve", addr)
	cmd.Env = append(os.Environ(), "SERVERLIST=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go cmd.Wait() // ends with the process
	return cmd, nil
}
