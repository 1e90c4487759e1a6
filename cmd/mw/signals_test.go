package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Also when nothing was under way yet that a signal could cancel.
func TestTheExitCodeTellsTheSignal(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, stop := untilSignal(t.Context(), sig)
		defer stop()
		if err := syscall.Kill(syscall.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			t.Fatalf("%v is not heard", sig)
		}
		for _, err := range []error{ctx.Err(), context.Cause(ctx)} {
			var said strings.Builder
			if got := report(&said, ctx, fmt.Errorf("submit: %w", err)); got != want || said.String() != "mw: interrupted\n" {
				t.Errorf("%v: exit code %d and %q, want %d", sig, got, &said, want)
			}
		}
	}
}
