package submit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/zkserver/zktest"
	"golang.org/x/sync/errgroup"
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

func TestSubmitMakesATaskWithAKey(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	h, err := open(t, addr).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := s.Get(t.Context(), coordinator.TaskPath(h.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if spec, err := coordinator.ParseSpec(data); err != nil || spec.Shell != "true" || spec.Key == "" {
		t.Errorf("task holds %s (%v), want shell true and a key", data, err)
	}
}

func TestSubmitMakesTheTree(t *testing.T) {
	h, err := open(t, server(t)).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	if want := coordinator.TaskID("task-0000000000"); h.ID() != want {
		t.Errorf("first task is %s, want %s", h.ID(), want)
	}
}

// The reply to a create is lost and the connection with it: the client must
// find that its task is there, and not make another.
func TestLostReplyMakesOneTask(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	proxy := zktest.NewProxy(t, addr)
	c := open(t, proxy.Addr())
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "first"}); err != nil {
		t.Fatal(err)
	}
	proxy.SetMode(zktest.DropReplies)
	created := follow(t, s)
	submitted := make(chan error, 1)
	go func() {
		_, err := c.Submit(t.Context(), coordinator.Spec{Shell: "second"})
		submitted <- err
	}()
	created(2) // it is there, and nobody was told
	proxy.Cut()
	proxy.SetMode(zktest.Pass)
	if err := <-submitted; err != nil {
		t.Fatal(err)
	}
	if got, want := specs(t, s), []string{"first", "second"}; !slices.Equal(got, want) {
		t.Errorf("tasks = %q, want %q", got, want)
	}
}

// The request is lost with the connection: the client must find that there is
// no such task, and make it.
func TestLostRequestMakesOneTask(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	proxy := zktest.NewProxy(t, addr)
	c := open(t, proxy.Addr())
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "first"}); err != nil {
		t.Fatal(err)
	}
	proxy.CutAfter(zktest.Requests, 10) // in the middle of the next request
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "second"}); err != nil {
		t.Fatal(err)
	}
	if got, want := specs(t, s), []string{"first", "second"}; !slices.Equal(got, want) {
		t.Errorf("tasks = %q, want %q", got, want)
	}
}

// A create that was delayed on its way must not be executed after the client
// has given it up and made the task anew.
func TestDelayedCreateIsRefused(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	slow, fast := zktest.NewProxy(t, addr), zktest.NewProxy(t, addr)
	c, err := submit.Open(submit.Config{Coordinator: coordinator.Config{
		Servers: []string{slow.Addr(), fast.Addr()}, SessionTimeout: sessionTimeout,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "first"}); err != nil {
		t.Fatal(err)
	}
	// Whichever way the client has taken falls silent; it goes the other way.
	if slow.Conns() == 0 {
		slow, fast = fast, slow
	}
	slow.SetMode(zktest.Silence)
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "second"}); err != nil {
		t.Fatal(err)
	}
	slow.SetMode(zktest.Pass) // now the first create arrives
	if err := s.Sync(t.Context(), coordinator.TasksPath); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "third"}); err != nil {
		t.Fatal(err)
	}
	if got, want := specs(t, s), []string{"first", "second", "third"}; !slices.Equal(got, want) {
		t.Errorf("tasks = %q, want %q", got, want)
	}
}

func TestManyTasksThroughABadNetworkAreEachThereOnce(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	proxy := zktest.NewProxy(t, addr)
	c := open(t, proxy.Addr())
	ctx, stop := context.WithCancel(t.Context())
	var cutter sync.WaitGroup
	cutter.Go(func() {
		for i := range 40 { // not for ever: on a slow machine nothing gets done between two cuts
			proxy.SetMode(zktest.Pass)
			pause(ctx, 40*time.Millisecond)
			if i%2 == 0 {
				proxy.SetMode(zktest.DropReplies)
				pause(ctx, 10*time.Millisecond)
			}
			proxy.Cut()
		}
		proxy.SetMode(zktest.Pass)
	})
	all := numbered(1300)
	handles, err := c.SubmitMany(t.Context(), all[:1000])
	if err != nil {
		t.Error(err)
	}
	var g errgroup.Group
	g.SetLimit(16)
	single := make([]*submit.Handle, 300)
	for i, spec := range all[1000:] {
		g.Go(func() (err error) {
			single[i], err = c.Submit(t.Context(), spec)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	stop()
	cutter.Wait()
	handles = append(handles, single...)

	got := specs(t, s)
	if len(got) != len(all) {
		t.Errorf("%d tasks in the tree, want %d", len(got), len(all))
	}
	if unique := slices.Compact(slices.Clone(got)); len(unique) != len(got) {
		t.Errorf("%d tasks are there twice", len(got)-len(unique))
	}
	for i, h := range handles {
		if h == nil {
			t.Fatalf("no handle for spec %d", i)
		}
		data, _, err := s.Get(t.Context(), coordinator.TaskPath(h.ID()))
		if err != nil || !strings.Contains(string(data), all[i].Shell) {
			t.Fatalf("handle %d is %s, which holds %s (%v), want %s", i, h.ID(), data, err, all[i].Shell)
		}
	}
}

func TestSameKeyIsTheSameTask(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	var g errgroup.Group
	ids := make([]coordinator.TaskID, 12)
	for i := range ids {
		c := open(t, addr)
		g.Go(func() error {
			h, err := c.Submit(t.Context(), coordinator.Spec{Shell: "true", Key: "nightly"})
			if err == nil {
				ids[i] = h.ID()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := specs(t, s); len(got) != 1 {
		t.Errorf("%d tasks, want 1", len(got))
	}
	if unique := slices.Compact(ids); len(unique) != 1 {
		t.Errorf("the clients got %v, want the same task", ids)
	}
}

func TestWaitReturnsWhatIsRecorded(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	h, err := c.Submit(t.Context(), coordinator.Spec{Shell: "exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Result(t.Context()); !errors.Is(err, submit.ErrNotEnded) {
		t.Errorf("result before the end: %v, want ErrNotEnded", err)
	}
	go finish(s, h.ID(), coordinator.StatusFailed,
		coordinator.Attempt{Worker: "w1-0", Outcome: coordinator.OutcomeLost},
		coordinator.Attempt{Worker: "w2-0", Outcome: coordinator.OutcomeFailed, Exit: 3})
	r, err := h.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != coordinator.StatusFailed || r.Attempts != 2 || r.Last.Worker != "w2-0" || r.ExitCode() != 3 {
		t.Errorf("result = %+v, want failed with exit 3 at attempt 2 on w2-0", r)
	}
}

func TestWaitSurvivesALostSession(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	proxy := zktest.NewProxy(t, addr)
	h, err := open(t, proxy.Addr()).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 1)
	go func() {
		_, err := h.Wait(t.Context())
		results <- err
	}()
	proxy.SetMode(zktest.Silence)
	pause(t.Context(), 2*sessionTimeout) // the service expires the session
	if err := finish(s, h.ID(), coordinator.StatusDone); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	proxy.SetMode(zktest.Pass)
	if err := <-results; err != nil {
		t.Error(err)
	}
}

func TestMoreHandlesWaitThanThereAreWatches(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c, err := submit.Open(submit.Config{
		Coordinator: coordinator.Config{Servers: []string{addr}, SessionTimeout: sessionTimeout},
		MaxWatches:  3,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	handles, err := c.SubmitMany(t.Context(), numbered(30))
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	for _, h := range handles {
		g.Go(func() error {
			_, err := h.Wait(t.Context())
			return err
		})
	}
	for _, h := range slices.Backward(handles) { // those who watch are the last to be served
		if err := finish(s, h.ID(), coordinator.StatusDone); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWaitForNoTask(t *testing.T) {
	addr := server(t)
	connect(t, addr)
	_, err := open(t, addr).Handle("task-0000000042").Wait(t.Context())
	if want := "submit: task-0000000042: submit: no such task"; err == nil || err.Error() != want || !errors.Is(err, submit.ErrNoTask) {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestCancelIsATaskForTheMaster(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	h, err := c.Submit(t.Context(), coordinator.Spec{Shell: "sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	created := follow(t, s)
	cancelled := make(chan error, 1)
	go func() { cancelled <- h.Cancel(t.Context()) }()
	created(2)
	const control coordinator.TaskID = "task-0000000001"
	data, _, err := s.Get(t.Context(), coordinator.TaskPath(control))
	if err != nil {
		t.Fatal(err)
	}
	if spec, err := coordinator.ParseSpec(data); err != nil || spec.Control != "cancel" || spec.Task != h.ID() {
		t.Errorf("the control task holds %s, want cancel %s", data, h.ID())
	}
	if err := errors.Join(finish(s, h.ID(), coordinator.StatusCancelled), finish(s, control, coordinator.StatusDone)); err != nil {
		t.Fatal(err)
	}
	if err := <-cancelled; err != nil {
		t.Error(err)
	}
	if err := h.Cancel(t.Context()); !errors.Is(err, submit.ErrFinal) {
		t.Errorf("second cancel: %v, want ErrFinal", err)
	}
}

func TestTasksShowTheNewestAndTheAssigned(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	handles, err := c.SubmitMany(t.Context(), numbered(6))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for path, data := range map[string][]byte{
		coordinator.WorkerPath("w1-0"):      coordinator.Registration{Name: "w1", Slots: 2}.Encode(),
		coordinator.AssignmentsPath("w1-0"): nil,
	} {
		if _, err := s.Create(ctx, path, data, coordinator.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Create(ctx, coordinator.AssignmentPath("w1-0", handles[0].ID()), nil, coordinator.Persistent); err != nil {
		t.Fatal(err)
	}
	err = finish(s, handles[4].ID(), coordinator.StatusFailed, coordinator.Attempt{Worker: "w0-0", Outcome: coordinator.OutcomeFailed, Exit: 7})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		query submit.Query
		want  []string
		more  bool
	}{
		{name: "all", query: submit.Query{}, want: []string{"5 waiting", "4 failed w0-0 7", "3 waiting", "2 waiting", "1 waiting", "0 assigned w1-0"}},
		{name: "newest", query: submit.Query{Limit: 2}, want: []string{"5 waiting", "4 failed w0-0 7", "0 assigned w1-0"}, more: true},
		{name: "failed", query: submit.Query{States: []string{"failed"}}, want: []string{"4 failed w0-0 7"}},
		{name: "one waiting", query: submit.Query{Limit: 1, States: []string{"waiting", "assigned"}}, want: []string{"5 waiting"}, more: true},
		{name: "none", query: submit.Query{Name: "nobody"}, want: nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := c.Tasks(t.Context(), tt.query)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, task := range l.Tasks {
				n, _ := task.ID.Seq()
				line := fmt.Sprintf("%d %s %s", n, task.State, task.Worker)
				if task.Attempts > 0 {
					line += fmt.Sprintf(" %d", task.Last.Exit)
				}
				got = append(got, strings.TrimSpace(line))
			}
			if !slices.Equal(got, tt.want) || l.More != tt.more || l.Total != 6 {
				t.Errorf("got %q of %d, more %v, want %q of 6, more %v", got, l.Total, l.More, tt.want, tt.more)
			}
		})
	}
	workers, err := c.Workers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(workers) != 1 || workers[0].Name != "w1" || !workers[0].Alive || len(workers[0].Assigned) != 1 {
		t.Errorf("workers = %+v, want w1 alive with one task", workers)
	}
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
