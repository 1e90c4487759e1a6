package submit_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/zkserver/zktest"
)

const sessionTimeout = 2 * time.Second

// server starts a server and returns its address.
func server(t *testing.T) string { return zktest.NewServer(t).Addr() }

// open returns a client of the server at addr.
func open(t *testing.T, addr string) *submit.Client {
	t.Helper()
	c, err := submit.Open(submit.Config{Coordinator: coordinator.Config{Servers: []string{addr}, SessionTimeout: sessionTimeout}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// connect returns a session with the server at addr and makes the tree.
func connect(t *testing.T, addr string) *coordinator.Session {
	t.Helper()
	s, err := coordinator.Connect(t.Context(), coordinator.Config{Servers: []string{addr}, SessionTimeout: sessionTimeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.EnsureTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// specs returns what each task in the tree runs, sorted.
func specs(t *testing.T, s *coordinator.Session) []string {
	t.Helper()
	names, _, err := s.Children(t.Context(), coordinator.TasksPath)
	if err != nil {
		t.Fatal(err)
	}
	var shells []string
	for _, name := range names {
		data, _, err := s.Get(t.Context(), coordinator.TaskPath(coordinator.TaskID(name)))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := coordinator.ParseSpec(data)
		if err != nil {
			t.Fatal(err)
		}
		shells = append(shells, spec.Shell)
	}
	slices.Sort(shells)
	return shells
}

func numbered(n int) []coordinator.Spec {
	all := make([]coordinator.Spec, n)
	for i := range all {
		all[i].Shell = fmt.Sprintf("echo %04d", i)
	}
	return all
}

// finish records a task's attempts and status, as a worker would.
func finish(s *coordinator.Session, id coordinator.TaskID, status coordinator.Status, attempts ...coordinator.Attempt) error {
	var ops []coordinator.Op
	for i, a := range attempts {
		ops = append(ops, coordinator.CreateOp(coordinator.AttemptPath(id, i+1), a.Encode(), coordinator.Persistent))
	}
	ops = append(ops, coordinator.CreateOp(coordinator.StatusPath(id), []byte(status), coordinator.Persistent))
	_, err := s.Multi(context.Background(), ops...)
	return err
}

// follow returns a function that waits until there are n tasks.
func follow(t *testing.T, s *coordinator.Session) func(n int) {
	states := s.FollowChildren(t.Context(), coordinator.TasksPath)
	return func(n int) {
		t.Helper()
		for state := range states {
			if len(state.Names) >= n {
				return
			}
		}
		t.Fatalf("never saw %d tasks", n)
	}
}

// pause lets real time pass: what is waited for is the server's clock.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
