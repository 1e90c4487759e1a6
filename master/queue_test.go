package master_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/master"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// queue is a coordination service with masters, and workers and clients made
// by hand.
type queue struct {
	t   testing.TB
	cfg coordinator.Config
	s   *coordinator.Session // of the test itself: client, observer
}

// newQueue starts a server in the test's process; or uses the one MW_TEST_ZK
// names, "host:port", in a chroot of its own.
func newQueue(t testing.TB) *queue {
	t.Helper()
	q := &queue{t: t, cfg: coordinator.Config{SessionTimeout: 2 * time.Second}}
	if addr := os.Getenv("MW_TEST_ZK"); addr != "" {
		q.cfg.Servers = []string{addr}
		root := q.connect(q.cfg)
		path, err := root.Create(t.Context(), "/master-test-", nil, coordinator.Sequential)
		q.must(err)
		q.cfg.Chroot = path
	} else {
		q.cfg.Servers = []string{zktest.NewServer(t).Addr()}
	}
	q.s = q.connect(q.cfg)
	q.must(q.s.EnsureTree(t.Context()))
	return q
}

func (q *queue) must(err error) {
	q.t.Helper()
	if err != nil {
		q.t.Fatal(err)
	}
}

func (q *queue) connect(cfg coordinator.Config) *coordinator.Session {
	q.t.Helper()
	ctx, cancel := context.WithTimeout(q.t.Context(), patience)
	defer cancel()
	s, err := coordinator.Connect(ctx, cfg)
	q.must(err)
	q.t.Cleanup(func() { s.Close() })
	return s
}

// candidate is a running master.
type candidate struct {
	*master.Master
	stop func() // and waits until it has stopped
}

func (q *queue) master(change ...func(*master.Config)) *candidate {
	q.t.Helper()
	cfg := master.Config{Coordinator: q.cfg}
	if testing.Verbose() {
		cfg.Log = zerolog.New(zerolog.NewTestWriter(q.t)).Level(zerolog.DebugLevel)
	}
	for _, c := range change {
		c(&cfg)
	}
	m, err := master.New(cfg)
	q.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			q.t.Errorf("master: %v", err)
		}
	})
	q.t.Cleanup(stop)
	return &candidate{m, stop}
}

// leads waits until that master leads.
func (q *queue) leads(m *candidate) {
	q.t.Helper()
	q.await("master "+m.Addr().String(), func(ctx context.Context) bool {
		for d := range q.s.FollowData(ctx, coordinator.MasterPath) {
			if string(d.Bytes) == m.Addr().String() {
				return true
			}
		}
		return false
	})
}

// patience is how long a test waits for what should take a moment: the machine
// may be busy with other things.
const patience = time.Minute

// await fails the test if f, which ends with its context, does not become true
// in time.
func (q *queue) await(what string, f func(context.Context) bool) {
	q.t.Helper()
	ctx, cancel := context.WithTimeout(q.t.Context(), patience)
	defer cancel()
	if !f(ctx) {
		q.t.Fatalf("waited in vain for %s", what)
	}
}

// crewman is a worker made by hand. It does nothing by itself.
type crewman struct {
	q    *queue
	s    *coordinator.Session
	name string
}

// worker registers a worker over a session of its own.
func (q *queue) worker(name string, slots int) *crewman {
	q.t.Helper()
	return q.registered(name, string(coordinator.Registration{Name: name, Slots: slots}.Encode()))
}

func (q *queue) registered(name, data string) *crewman {
	q.t.Helper()
	w := &crewman{q: q, s: q.connect(q.cfg), name: coordinator.NewInstance(name)}
	_, err := w.s.Multi(q.t.Context(),
		coordinator.CreateOp(coordinator.WorkerPath(w.name), []byte(data), coordinator.Ephemeral),
		coordinator.CreateOp(coordinator.AssignmentsPath(w.name), nil, coordinator.Persistent))
	q.must(err)
	return w
}

// die ends the worker's session as its expiry would.
func (w *crewman) die() { w.s.Close() }

// has waits until the worker is assigned that many tasks, and returns them.
func (w *crewman) has(n int) []string {
	w.q.t.Helper()
	return w.assigned(fmt.Sprintf("%d tasks", n), func(names []string) bool { return len(names) == n })
}

// hasOnly waits until the worker is assigned that task alone.
func (w *crewman) hasOnly(id coordinator.TaskID) {
	w.q.t.Helper()
	w.assigned(string(id), func(names []string) bool { return len(names) == 1 && names[0] == string(id) })
}

func (w *crewman) assigned(what string, is func([]string) bool) (names []string) {
	w.q.t.Helper()
	w.q.await(what+" of "+w.name, func(ctx context.Context) bool {
		for c := range w.q.s.FollowChildren(ctx, coordinator.AssignmentsPath(w.name)) {
			if names = c.Names; is(names) {
				return true
			}
		}
		return false
	})
	return names
}

// report is the worker's one multi. An empty status leaves the task to be run
// again.
func (w *crewman) report(ctx context.Context, id coordinator.TaskID, o coordinator.Outcome, s coordinator.Status) error {
	data, _, err := w.s.Get(ctx, coordinator.AssignmentPath(w.name, id))
	if err != nil {
		return err
	}
	n := coordinator.ParseAssignment(data).Attempt
	ops := []coordinator.Op{
		coordinator.DeleteOp(coordinator.AssignmentPath(w.name, id), coordinator.AnyVersion),
		coordinator.CreateOp(coordinator.AttemptPath(id, n), coordinator.Attempt{Worker: w.name, Outcome: o}.Encode(), coordinator.Persistent),
	}
	if s != "" {
		ops = append(ops, coordinator.CreateOp(coordinator.StatusPath(id), []byte(s), coordinator.Persistent))
	}
	_, err = w.s.Multi(ctx, ops...)
	return err
}

// work reports everything the worker is assigned as done, until its session
// ends. It returns a count of the reports.
func (w *crewman) work() *atomic.Int64 {
	var reports atomic.Int64
	w.q.background(func(ctx context.Context) {
		begun := make(map[string]bool)
		busy := make(chan struct{}, 64)
		for c := range w.s.FollowChildren(ctx, coordinator.AssignmentsPath(w.name)) {
			for _, name := range c.Names {
				if begun[name] {
					continue
				}
				begun[name] = true
				busy <- struct{}{}
				w.q.background(func(ctx context.Context) {
					defer func() { <-busy }()
					for {
						err := w.report(ctx, coordinator.TaskID(name), coordinator.OutcomeDone, coordinator.StatusDone)
						if err == nil {
							reports.Add(1)
						}
						if !errors.Is(err, coordinator.ErrUnknownOutcome) { // else it may have been written
							return
						}
					}
				})
			}
		}
	})
	return &reports
}

// background runs f beside the test, and ends it with the test.
func (q *queue) background(f func(context.Context)) {
	ctx, cancel := context.WithCancel(q.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	q.t.Cleanup(func() { cancel(); <-done })
}

// submit creates tasks and returns their IDs, oldest first.
func (q *queue) submit(n int, data string) []coordinator.TaskID {
	q.t.Helper()
	ids := make([]coordinator.TaskID, 0, n)
	for len(ids) < n {
		var ops []coordinator.Op
		for range min(n-len(ids), 400) {
			ops = append(ops, coordinator.CreateOp(coordinator.TaskPrefix, []byte(data), coordinator.Sequential))
		}
		results, err := q.s.Multi(q.t.Context(), ops...)
		q.must(err)
		for _, r := range results {
			ids = append(ids, coordinator.TaskID(strings.TrimPrefix(r.Path, coordinator.TasksPath+"/")))
		}
	}
	return ids
}

func (q *queue) cancel(id coordinator.TaskID) coordinator.TaskID {
	q.t.Helper()
	return q.submit(1, fmt.Sprintf(`{"control":"cancel","task":%q}`, id))[0]
}

// ends waits for a task's status.
func (q *queue) ends(id coordinator.TaskID, want coordinator.Status) {
	q.t.Helper()
	var got coordinator.Status
	q.await("the status of "+string(id), func(ctx context.Context) bool {
		for d := range q.s.FollowData(ctx, coordinator.StatusPath(id)) {
			if got = coordinator.ParseStatus(d.Bytes); d.Exists {
				return true
			}
		}
		return false
	})
	if got != want {
		q.t.Errorf("status of %s = %q, want %q", id, got, want)
	}
}

// outcomes reads the attempts of a task.
func (q *queue) outcomes(id coordinator.TaskID) (out []coordinator.Outcome) {
	q.t.Helper()
	for n := 1; ; n++ {
		data, _, err := q.s.Get(q.t.Context(), coordinator.AttemptPath(id, n))
		if errors.Is(err, coordinator.ErrNoNode) {
			return out
		}
		q.must(err)
		out = append(out, coordinator.ParseAttemptData(data).Outcome)
	}
}

// children waits until a znode has that many children.
func (q *queue) children(path string, n int) {
	q.t.Helper()
	q.await(fmt.Sprintf("%d children of %s", n, path), func(ctx context.Context) bool {
		for c := range q.s.FollowChildren(ctx, path) {
			if len(c.Names) == n {
				return true
			}
		}
		return false
	})
}
