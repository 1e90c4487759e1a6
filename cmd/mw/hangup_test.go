package main

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// The end of its terminal drains a worker, unless nohup was asked for.
func TestHangupIsHeardUnlessIgnored(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("not tested: SIGHUP is ignored here")
	}
	signals := hearHangup(make(chan os.Signal, 1))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-signals:
	case <-time.After(10 * time.Second):
		t.Error("a hangup is not heard")
	}
	signal.Stop(signals)

	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	hearHangup(signals)
	if !signal.Ignored(syscall.SIGHUP) {
		t.Error("an ignored hangup is heard")
	}
}
