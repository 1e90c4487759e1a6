package worker

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// fakeTree is a service that holds znodes by path, with the zxid that created
// each. What is in faults happens to the multis, one each.
type fakeTree struct {
	nodes  map[string]int64
	faults []fault
	multis int
}

type fault struct {
	err     error
	applied bool // the multi is carried out, and its answer lost
}

func (f *fakeTree) Multi(_ context.Context, ops ...coordinator.Op) ([]coordinator.OpResult, error) {
	f.multis++
	if len(f.faults) > 0 {
		next := f.faults[0]
		f.faults = f.faults[1:]
		if next.applied {
			if err := f.apply(ops); err != nil {
				return nil, err
			}
		}
		if next.err != nil {
			return nil, next.err
		}
	}
	return nil, f.apply(ops)
}

func (f *fakeTree) apply(ops []coordinator.Op) error {
	size := 0
	for i, op := range ops {
		var err error
		verb, _, _ := strings.Cut(op.String(), " ")
		_, exists := f.nodes[op.Path()]
		_, parent := f.nodes[path.Dir(op.Path())]
		switch {
		case verb == "delete" && !exists, verb == "create" && !parent:
			err = coordinator.ErrNoNode
		case verb == "create" && exists:
			err = coordinator.ErrNodeExists
		case verb == "delete" && f.hasChildren(op.Path()):
			err = coordinator.ErrNotEmpty
		}
		if err != nil {
			return fmt.Errorf("multi: %w", &coordinator.MultiError{Index: i, Op: op, Err: err})
		}
		size += op.Size()
	}
	if size > coordinator.MaxMultiBytes {
		return coordinator.ErrTooLarge
	}
	for _, op := range ops {
		if strings.HasPrefix(op.String(), "delete") {
			delete(f.nodes, op.Path())
		} else {
			f.nodes[op.Path()] = 99
		}
	}
	return nil
}

func (f *fakeTree) hasChildren(parent string) bool {
	for p := range f.nodes {
		if path.Dir(p) == parent {
			return true
		}
	}
	return false
}

func (f *fakeTree) Delete(_ context.Context, path string, version int32) error {
	return f.apply([]coordinator.Op{coordinator.DeleteOp(path, version)})
}

func (f *fakeTree) Exists(_ context.Context, path string) (coordinator.Stat, bool, error) {
	zxid, exists := f.nodes[path]
	return coordinator.Stat{Czxid: zxid}, exists, nil
}

func (f *fakeTree) Children(_ context.Context, parent string) ([]string, coordinator.Stat, error) {
	var names []string
	for p := range f.nodes {
		if path.Dir(p) == parent {
			names = append(names, path.Base(p))
		}
	}
	return names, coordinator.Stat{}, nil
}

func (f *fakeTree) Sync(context.Context, string) error { return nil }

// newFakeTree has the tasks 1, 2, … n, each assigned to w by zxid 10 + its number.
func newFakeTree(n int) *fakeTree {
	f := &fakeTree{nodes: map[string]int64{coordinator.TasksPath: 1, coordinator.AssignmentsPath("w"): 1, coordinator.WorkerPath("w"): 1}}
	for i := 1; i <= n; i++ {
		f.nodes[coordinator.TaskPath(taskNumber(i))] = int64(i)
		f.nodes[coordinator.AssignmentPath("w", taskNumber(i))] = int64(10 + i)
	}
	return f
}

func taskNumber(n int) coordinator.TaskID { return coordinator.TaskID(fmt.Sprintf("task-%010d", n)) }

func doneReport(n int) *report {
	return &report{
		instance: "w", task: taskNumber(n), fence: int64(10 + n), attempt: 1,
		record: coordinator.Attempt{Outcome: coordinator.OutcomeDone}, status: coordinator.StatusDone,
	}
}

// left lists what is in the tree but was not there at first, with + , and what is gone, with -.
func (f *fakeTree) changes(n int) []string {
	var list []string
	before := newFakeTree(n).nodes
	for p := range f.nodes {
		if _, was := before[p]; !was {
			list = append(list, "+"+p)
		}
	}
	for p := range before {
		if _, is := f.nodes[p]; !is {
			list = append(list, "-"+p)
		}
	}
	for i, p := range list {
		list[i] = strings.NewReplacer("/tasks/task-000000000", "t", "/assign/w/task-000000000", "a").Replace(p)
	}
	slices.Sort(list)
	return list
}

var errUnknown = fmt.Errorf("%w: connection lost", coordinator.ErrUnknownOutcome)

var reportTests = []struct {
	name    string
	tasks   int
	prepare func(f *fakeTree, batch []*report)
	multis  int
	changes []string
	rest    int
}{
	{
		name: "all in one multi", tasks: 3, multis: 1,
		changes: []string{"+t1/attempt-1", "+t1/status", "+t2/attempt-1", "+t2/status", "+t3/attempt-1", "+t3/status", "-a1", "-a2", "-a3"},
	},
	{
		name: "hand back", tasks: 1, multis: 1, changes: []string{"-a1"},
		prepare: func(_ *fakeTree, batch []*report) { batch[0].attempt, batch[0].status = 0, "" },
	},
	{
		name: "dead, without an attempt", tasks: 1, multis: 1, changes: []string{"+t1/status", "-a1"},
		prepare: func(_ *fakeTree, batch []*report) { batch[0].attempt, batch[0].status = 0, coordinator.StatusDead },
	},
	{
		name: "dead, status written by hand", tasks: 1, multis: 2, changes: []string{"+t1/status", "-a1"},
		prepare: func(f *fakeTree, batch []*report) {
			batch[0].attempt, batch[0].status = 0, coordinator.StatusDead
			f.nodes[coordinator.StatusPath(taskNumber(1))] = 50
		},
	},
	{
		name: "dead, task is gone", tasks: 1, multis: 2, changes: []string{"-a1", "-t1"},
		prepare: func(f *fakeTree, batch []*report) {
			batch[0].attempt, batch[0].status = 0, coordinator.StatusDead
			delete(f.nodes, coordinator.TaskPath(taskNumber(1)))
		},
	},
	{
		name: "attempts written by hand, with the last number there may be", tasks: 1, multis: 2,
		prepare: func(f *fakeTree, _ []*report) {
			for _, n := range []int{1, coordinator.MaxAttempts, coordinator.MaxAttempts + 1} {
				f.nodes[coordinator.AttemptPath(taskNumber(1), n)] = 50
			}
		},
		changes: []string{"+t1/attempt-1", "+t1/attempt-1000000", "+t1/attempt-1000001", "+t1/status", "-a1"},
	},
	{
		name: "interrupted", tasks: 1, multis: 1, changes: []string{"+t1/attempt-1", "-a1"},
		prepare: func(_ *fakeTree, batch []*report) { batch[0].status = "" },
	},
	{
		name: "one was moved: only its result is dropped", tasks: 3, multis: 2,
		prepare: func(f *fakeTree, _ []*report) { delete(f.nodes, coordinator.AssignmentPath("w", taskNumber(2))) },
		changes: []string{"+t1/attempt-1", "+t1/status", "+t3/attempt-1", "+t3/status", "-a1", "-a2", "-a3"},
	},
	{
		name: "status written by hand", tasks: 1, multis: 2,
		prepare: func(f *fakeTree, _ []*report) { f.nodes[coordinator.StatusPath(taskNumber(1))] = 50 },
		changes: []string{"+t1/attempt-1", "+t1/status", "-a1"},
	},
	{
		name: "attempt written by hand", tasks: 1, multis: 2,
		prepare: func(f *fakeTree, _ []*report) { f.nodes[coordinator.AttemptPath(taskNumber(1), 1)] = 50 },
		changes: []string{"+t1/attempt-1", "+t1/attempt-2", "+t1/status", "-a1"},
	},
	{
		name: "moved away and assigned to us again", tasks: 1, multis: 1,
		prepare: func(f *fakeTree, _ []*report) {
			f.nodes[coordinator.AttemptPath(taskNumber(1), 1)] = 50
			f.nodes[coordinator.AssignmentPath("w", taskNumber(1))] = 51
		},
		changes: []string{"+t1/attempt-1"},
	},
	{
		name: "task is gone", tasks: 1, multis: 2,
		prepare: func(f *fakeTree, _ []*report) { delete(f.nodes, coordinator.TaskPath(taskNumber(1))) },
		changes: []string{"-a1", "-t1"},
	},
	{
		name: "answer lost, carried out", tasks: 2, multis: 1,
		prepare: func(f *fakeTree, _ []*report) { f.faults = []fault{{errUnknown, true}} },
		changes: []string{"+t1/attempt-1", "+t1/status", "+t2/attempt-1", "+t2/status", "-a1", "-a2"},
	},
	{
		name: "answer lost, not carried out", tasks: 2, multis: 1, rest: 2,
		prepare: func(f *fakeTree, _ []*report) { f.faults = []fault{{errUnknown, false}} },
	},
	{
		name: "no server", tasks: 2, multis: 1, rest: 2,
		prepare: func(f *fakeTree, _ []*report) { f.faults = []fault{{coordinator.ErrNoServer, false}} },
	},
	{
		name: "too large together", tasks: 2, multis: 2, rest: 1,
		prepare: func(_ *fakeTree, batch []*report) {
			for _, r := range batch {
				r.record.Error = strings.Repeat("x", coordinator.MaxMultiBytes*2/3)
			}
		},
		changes: []string{"+t1/attempt-1", "+t1/status", "-a1"},
	},
	{
		name: "too large alone", tasks: 1, multis: 2,
		prepare: func(_ *fakeTree, batch []*report) { batch[0].record.Stdout = make([]byte, coordinator.MaxMultiBytes) },
		changes: []string{"+t1/attempt-1", "+t1/status", "-a1"},
	},
	{
		name: "refused", tasks: 2, multis: 2, rest: 1,
		prepare: func(f *fakeTree, batch []*report) {
			op := batch[0].ops()[1]
			f.faults = []fault{{&coordinator.MultiError{Index: 1, Op: op, Err: coordinator.ErrNoAuth}, false}}
		},
		changes: []string{"+t2/attempt-1", "+t2/status", "-a2"},
	},
}

func TestReports(t *testing.T) {
	for _, tt := range reportTests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeTree(tt.tasks)
			var batch []*report
			for i := 1; i <= tt.tasks; i++ {
				batch = append(batch, doneReport(i))
			}
			if tt.prepare != nil {
				tt.prepare(f, batch)
			}
			settled, rest := reporter{f, zerolog.Nop()}.write(t.Context(), batch)
			if len(settled) != tt.tasks-tt.rest || len(rest) != tt.rest || f.multis != tt.multis {
				t.Errorf("%d settled, %d left, by %d multis; want %d, %d, %d",
					len(settled), len(rest), f.multis, tt.tasks-tt.rest, tt.rest, tt.multis)
			}
			if diff := cmp.Diff(tt.changes, f.changes(tt.tasks)); diff != "" {
				t.Errorf("changes of the tree (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever is lost, a report that is tried again is written once.
func TestReportIsTriedAgainUntilWritten(t *testing.T) {
	f := newFakeTree(1)
	f.faults = []fault{{coordinator.ErrNoServer, false}, {coordinator.ErrUnknownOutcome, false}, {coordinator.ErrUnknownOutcome, true}}
	pending := []*report{doneReport(1)}
	now := time.Now()
	for range f.faults {
		var batch, settled []*report
		now = now.Add(time.Hour) // past every pause
		batch, _ = nextBatch(pending, now)
		settled, pending = reporter{f, zerolog.Nop()}.write(t.Context(), batch)
		if len(settled)+len(pending) != 1 {
			t.Fatalf("%d settled, %d pending", len(settled), len(pending))
		}
	}
	if want := []string{"+t1/attempt-1", "+t1/status", "-a1"}; !slices.Equal(f.changes(1), want) || len(pending) > 0 {
		t.Errorf("changes = %q, %d pending", f.changes(1), len(pending))
	}
}

func TestSessionEndLeavesReportsForTheNext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(coordinator.ErrSessionLost)
	settled, rest := reporter{newFakeTree(1), zerolog.Nop()}.write(ctx, []*report{doneReport(1)})
	if len(settled) != 0 || len(rest) != 1 || !rest[0].after.IsZero() {
		t.Errorf("settled %v, rest %v", settled, rest)
	}
}

func TestNextBatch(t *testing.T) {
	var pending []*report
	for i := range 2 * maxBatch {
		pending = append(pending, doneReport(i))
	}
	pending[0].after = at(1)
	batch, rest := nextBatch(pending, at(0))
	if len(batch) != maxBatch || batch[0] != pending[1] || len(rest) != maxBatch || rest[0] != pending[0] || rest[1] != pending[maxBatch+1] {
		t.Errorf("batch of %d, rest of %d", len(batch), len(rest))
	}
	for _, r := range pending {
		r.record.Stdout, r.encoded = make([]byte, tailBytes), nil
	}
	f := newFakeTree(2 * maxBatch)
	for batches := 0; len(pending) > 0; batches++ {
		batch, pending = nextBatch(pending, at(1))
		var ops []coordinator.Op
		for _, r := range batch {
			ops = append(ops, r.ops()...)
		}
		if err := f.apply(ops); errors.Is(err, coordinator.ErrTooLarge) || len(batch) == 0 {
			t.Fatalf("batch %d, of %d reports: %v", batches, len(batch), err)
		}
	}
}
