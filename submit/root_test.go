package submit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// openIn returns a client of the server at addr with a chroot.
func openIn(t *testing.T, addr, chroot string) *submit.Client {
	t.Helper()
	c, err := submit.Open(submit.Config{Coordinator: coordinator.Config{
		Servers: []string{addr}, Chroot: chroot, SessionTimeout: sessionTimeout,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// rootSession returns a session without a chroot, and makes nothing.
func rootSession(t *testing.T, addr string) *coordinator.Session {
	t.Helper()
	s, err := coordinator.Connect(t.Context(), coordinator.Config{Servers: []string{addr}, SessionTimeout: sessionTimeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A task may be submitted before the first master has run. It waits below
// /tasks, which is all that is made.
func TestSubmitBeforeTheFirstMasterMakesTasksAlone(t *testing.T) {
	addr := server(t)
	s := rootSession(t, addr)
	h, err := open(t, addr).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	if want := coordinator.TaskID("task-0000000000"); h.ID() != want {
		t.Errorf("first task is %s, want %s", h.ID(), want)
	}
	names, _, err := s.Children(t.Context(), "/")
	slices.Sort(names)
	if want := []string{"tasks", "zookeeper"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("the tree has %q (%v), want %q", names, err, want)
	}
}

func TestClientsDoNotMakeAChroot(t *testing.T) {
	addr := server(t)
	s := rootSession(t, addr)
	ctx := t.Context()
	c := openIn(t, addr, "/team/typo")
	calls := map[string]func() error{
		"connect": func() error { return c.Connect(ctx) },
		"submit":  func() error { _, err := c.Submit(ctx, coordinator.Spec{Shell: "true"}); return err },
		"with a key": func() error {
			_, err := c.Submit(ctx, coordinator.Spec{Shell: "true", Key: "k"})
			return err
		},
		"tasks":   func() error { _, err := c.Tasks(ctx, submit.Query{}); return err },
		"workers": func() error { _, err := c.Workers(ctx); return err },
		"wait":    func() error { _, err := c.Handle("task-0000000000").Wait(ctx); return err },
		"cancel":  func() error { return c.Handle("task-0000000000").Cancel(ctx) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, submit.ErrNoQueue) || !strings.Contains(err.Error(), "/team/typo") {
			t.Errorf("%s: %v, want %v that names the chroot", name, err, submit.ErrNoQueue)
		}
	}
	if _, there, err := s.Exists(ctx, "/team"); there || err != nil {
		t.Errorf("/team is there: %v (%v), want that nothing was made", there, err)
	}

	// Once somebody has made it the same client goes on.
	for _, path := range []string{"/team", "/team/typo"} {
		if _, err := s.Create(ctx, path, nil, coordinator.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Submit(ctx, coordinator.Spec{Shell: "true"}); err != nil {
		t.Error(err)
	}
}

// The chroot is deleted below a client that has seen it.
func TestAChrootThatWasDeletedIsNotMadeAgain(t *testing.T) {
	addr := server(t)
	s := rootSession(t, addr)
	if _, err := s.Create(t.Context(), "/team", nil, coordinator.Persistent); err != nil {
		t.Fatal(err)
	}
	c := openIn(t, addr, "/team")
	if err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "/team", coordinator.AnyVersion); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "true"}); !errors.Is(err, submit.ErrNoQueue) {
		t.Errorf("submit: %v, want %v", err, submit.ErrNoQueue)
	}
}
