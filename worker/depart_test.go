package worker

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/mwqueue/mw/coordinator"
)

// A worker that leaves is assigned tasks to the last moment: none of them is
// there when its registration is gone.
func TestDepartureHandsBackWhatCameLate(t *testing.T) {
	const foreign = "/assign/w/note"
	unknown := fmt.Errorf("%w: connection lost", coordinator.ErrUnknownOutcome)
	tests := []struct {
		name    string
		tasks   int
		prepare func(f *fakeTree)
		keep    map[coordinator.TaskID]bool
		multis  int
		changes []string
	}{
		{name: "nothing is assigned", multis: 1, changes: []string{"-/assign/w", "-/workers/w"}},
		{name: "two tasks came late", tasks: 2, multis: 2, changes: []string{"-/assign/w", "-/workers/w", "-a1", "-a2"}},
		{name: "a name that is no task's", tasks: 1, multis: 2, changes: []string{"+" + foreign, "-/workers/w", "-a1"},
			prepare: func(f *fakeTree) { f.nodes[foreign] = 50 }},
		{name: "an attempt that does not end", tasks: 2, multis: 2, changes: []string{"-/workers/w", "-a2"},
			keep: map[coordinator.TaskID]bool{taskNumber(1): true}},
		{name: "answer lost, carried out", multis: 2, changes: []string{"-/assign/w", "-/workers/w"},
			prepare: func(f *fakeTree) { f.faults = []fault{{unknown, true}} }},
		{name: "answer lost, not carried out", multis: 2, changes: []string{"-/assign/w", "-/workers/w"},
			prepare: func(f *fakeTree) { f.faults = []fault{{unknown, false}} }},
		{name: "the parent is gone", multis: 1, changes: []string{"-/assign/w", "-/workers/w"},
			prepare: func(f *fakeTree) { delete(f.nodes, "/assign/w") }},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeTree(tt.tasks)
			if tt.prepare != nil {
				tt.prepare(f)
			}
			ctx, cancel := context.WithTimeout(t.Context(), departTime)
			defer cancel()
			err := depart(ctx, f, "w", tt.keep)
			if diff := cmp.Diff(tt.changes, f.changes(tt.tasks)); diff != "" || err != nil || f.multis != tt.multis {
				t.Errorf("%s: %v, %d multis, want %d; changes of the tree (-want +got):\n%s", tt.name, err, f.multis, tt.multis, diff)
			}
		})
	}
}

// A service that takes no writes does not keep a worker for ever.
func TestDepartureGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeTree(0)
		for range 1000 {
			f.faults = append(f.faults, fault{err: coordinator.ErrNoServer})
		}
		ctx, cancel := context.WithTimeout(t.Context(), departTime)
		defer cancel()
		if err := depart(ctx, f, "w", nil); err == nil {
			t.Error("departed from a tree that takes no writes")
		}
	})
}
