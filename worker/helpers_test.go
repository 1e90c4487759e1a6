package worker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/worker"
	"github.com/mwqueue/mw/zkserver/zktest"
	"github.com/rs/zerolog"
)

// person plays master and client by hand, with a session of their own.
type person struct {
	t testing.TB
	s *coordinator.Session
}

func newPerson(t testing.TB, cfg coordinator.Config) person {
	t.Helper()
	s, err := coordinator.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.EnsureTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	return person{t, s}
}

// soon bounds what a test waits for.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (p person) submit(spec string) coordinator.TaskID {
	p.t.Helper()
	path, err := p.s.Create(p.t.Context(), coordinator.TaskPrefix, []byte(spec), coordinator.Sequential)
	if err != nil {
		p.t.Fatal(err)
	}
	return coordinator.TaskID(filepath.Base(path))
}

func (p person) assign(instance string, id coordinator.TaskID, data string) {
	p.t.Helper()
	if _, err := p.s.Create(p.t.Context(), coordinator.AssignmentPath(instance, id), []byte(data), coordinator.Persistent); err != nil {
		p.t.Fatal(err)
	}
}

func (p person) take(instance string, id coordinator.TaskID) {
	p.t.Helper()
	if err := p.s.Delete(p.t.Context(), coordinator.AssignmentPath(instance, id), coordinator.AnyVersion); err != nil {
		p.t.Fatal(err)
	}
}

func (p person) awaitGone(path string) {
	p.t.Helper()
	if err := p.s.AwaitGone(soon(p.t), path); err != nil {
		p.t.Fatal(err)
	}
}

// instance waits for a registration of the worker, other than those given.
func (p person) instance(name string, not ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithCancel(soon(p.t))
	defer cancel()
	for c := range p.s.FollowChildren(ctx, coordinator.WorkersPath) {
		for _, inst := range c.Names {
			if strings.HasPrefix(inst, name+"-") && !slices.Contains(not, inst) {
				return inst
			}
		}
	}
	p.t.Fatalf("worker %s does not register", name)
	return ""
}

// attempt waits for the record of an attempt, and for the task's status, which
// is "" if there is none then.
func (p person) attempt(id coordinator.TaskID, n int) (coordinator.Attempt, coordinator.Status) {
	p.t.Helper()
	path := coordinator.AttemptPath(id, n)
	if err := p.s.AwaitExists(soon(p.t), path); err != nil {
		p.t.Fatalf("attempt %d of %s: %v", n, id, err)
	}
	data, _, err := p.s.Get(p.t.Context(), path)
	if err != nil {
		p.t.Fatal(err)
	}
	status, _, err := p.s.Get(p.t.Context(), coordinator.StatusPath(id))
	if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
		p.t.Fatal(err)
	}
	return coordinator.ParseAttemptData(data), coordinator.ParseStatus(status)
}

// running is a worker that runs in the test.
type running struct {
	*worker.Worker
	drain, stop func()
	done        chan error
}

// wait returns what Run returned.
func (r running) wait(t testing.TB) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-soon(t).Done():
		t.Fatal("the worker does not end")
		return nil
	}
}

func startWorker(t testing.TB, cfg worker.Config) running {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "w1"
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.Guard = []string{os.Args[0], "guard"}
	cfg.Log = zerolog.New(zerolog.NewTestWriter(t)).With().Timestamp().Logger()
	w, err := worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	drain := make(chan struct{})
	r := running{Worker: w, stop: stop, done: make(chan error, 1)}
	var drained bool
	r.drain = func() {
		if !drained {
			drained = true
			close(drain)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- w.Run(ctx, drain)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return r
}

func serverAndPerson(t testing.TB) (coordinator.Config, person) {
	t.Helper()
	srv := zktest.NewServer(t)
	cfg := coordinator.Config{Servers: []string{srv.Addr()}, SessionTimeout: 10 * time.Second}
	return cfg, newPerson(t, cfg)
}

// awaitFile waits for a file that a command makes.
func awaitFile(t testing.TB, path string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := soon(t); ; {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.Done():
			t.Fatalf("%s does not appear", path)
		}
	}
}
