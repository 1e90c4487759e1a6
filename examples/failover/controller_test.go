package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A controller whose service is silent says that it is no longer active, and that
// it could not say so there; and then that it finds no service.
func TestAControllerSaysThatTheServiceIsSilent(t *testing.T) {
	proxy := zktest.NewProxy(t, zktest.NewServer(t).Addr())
	read, write := io.Pipe()
	defer read.Close()
	c := controller{
		node: "n1", hooks: hooks{check: "true", activate: "true", standby: "true", fence: "true"}, out: write,
		cfg: coordinator.Config{Servers: []string{proxy.Addr()}, SessionTimeout: time.Second, ConnectTimeout: time.Minute},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- c.run(ctx) }()
	lines := bufio.NewScanner(read)
	for _, want := range []string{"n1: becoming active, with fence ", "session lost: no answer from the service for 600ms; leaving the breadcrumb: "} {
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Errorf("it says %q, want %q", lines.Text(), want)
		}
		proxy.SetMode(zktest.Silence)
	}
	cancel()
	go func() { _, _ = io.Copy(io.Discard, read) }()
	<-ended
}
