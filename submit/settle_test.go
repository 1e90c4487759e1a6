package submit

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A create whose reply was lost is settled by what is there. The create had
// happened, and its task is deleted again before anybody looks.
func TestADeletedTaskLeavesTheOutcomeUnknown(t *testing.T) {
	beyond := []string{"task-0000004711", "task-0000000009", "task-1", "task-5"}
	tests := []struct {
		name   string
		before []string // made by hand before the create
		after  []string // and after it
	}{
		{name: "alone"},
		{name: "with numbers above the counter", before: beyond},
		{name: "with such made meanwhile", after: beyond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s := clientAndSession(t)
			byHand := func(names []string) {
				t.Helper()
				for _, name := range names {
					if _, err := s.Create(t.Context(), coordinator.TasksPath+"/"+name, []byte("by hand"), coordinator.Persistent); err != nil {
						t.Fatal(err)
					}
				}
			}
			byHand(tt.before)
			cr, ids := lostCreate(t, c, s)
			if err := s.Delete(t.Context(), coordinator.TaskPath(ids[0]), coordinator.AnyVersion); err != nil {
				t.Fatal(err)
			}
			byHand(tt.after)
			if ids, err := cr.settle(t.Context(), s); !errors.Is(err, errDeleted) {
				t.Errorf("settled as %q, %v, want %v", ids, err, errDeleted)
			}
		})
	}
}

// /tasks is deleted and made again between the view and the create, at the
// same version: the create's number is below those known of the old tree.
func TestALostCreateIsFoundInATreeMadeAnew(t *testing.T) {
	c, s := clientAndSession(t)
	for i := range 5 {
		if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	names, _, err := s.Children(t.Context(), coordinator.TasksPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := s.Delete(t.Context(), coordinator.TasksPath+"/"+name, coordinator.AnyVersion); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context(), coordinator.TasksPath, coordinator.AnyVersion); err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	cr, want := lostCreate(t, c, s)
	if got, err := cr.settle(t.Context(), s); err != nil || len(got) != 1 || got[0] != want[0] {
		t.Errorf("settled as %q, %v, want %q", got, err, want)
	}
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "the view of the old tree is forgotten"}); err != nil {
		t.Error(err)
	}
}

// lostCreate creates a task and forgets the reply. It returns the creation in
// doubt and what the reply said.
func lostCreate(t *testing.T, c *Client, s *coordinator.Session) (*creation, []coordinator.TaskID) {
	t.Helper()
	batches, err := newBatches([]coordinator.Spec{{Shell: "lost"}})
	if err != nil {
		t.Fatal(err)
	}
	cr := &creation{c: c, b: batches[0]}
	if cr.doubt, err = c.currentView(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	results, err := s.Multi(t.Context(), cr.b.multi(cr.doubt)...)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := cr.b.created(results)
	if err != nil {
		t.Fatal(err)
	}
	return cr, ids
}

func clientAndSession(t *testing.T) (*Client, *coordinator.Session) {
	t.Helper()
	cfg := coordinator.Config{Servers: []string{zktest.NewServer(t).Addr()}}
	c, err := Open(Config{Coordinator: cfg})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := c.sessions.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, s
}
