package local_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/local"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/worker"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQueueRunsTasksAndEnds(t *testing.T) {
	fails := errors.New("as asked")
	q, err := local.Open(local.Config{Dir: t.TempDir(), Masters: 2, Workers: 2, Handlers: map[string]worker.Handler{
		"fail": func(context.Context, worker.Task) ([]byte, error) { return nil, fails },
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()

	c, err := submit.Open(submit.Config{Coordinator: q.Coordinator()})
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Submit(ctx, coordinator.Spec{Handler: "fail"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != coordinator.StatusFailed || r.Last.Error != "as asked" || r.ExitCode() != 1 {
		t.Errorf("result = %+v, want failed as asked, exit code 1", r)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

func TestOpenGivesBackWhatItTook(t *testing.T) {
	dir := t.TempDir()
	first, err := local.Open(local.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(local.Config{Dir: dir}); err == nil {
		t.Error("opened a second queue in the same directory")
	}
	addr := first.Coordinator().Servers[0]
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := first.Run(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	l.Close()
	again, err := local.Open(local.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Run(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []local.Config{{}, {Dir: "x", Workers: -1}} {
		if _, err := local.Open(cfg); err == nil {
			t.Errorf("Open(%+v) succeeded", cfg)
		}
	}
}
