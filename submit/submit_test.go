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
	if testing.Short() {
		t.Skip("the race detector finds go-zookeeper's own race, of lastZxid, when it renews watches; tested without -short")
	}
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

func TestAKeyOfAnotherTaskIsRefused(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	first, err := c.Submit(t.Context(), coordinator.Spec{Shell: "true", Key: "nightly"})
	if err != nil {
		t.Fatal(err)
	}
	by := `{ "shell": "echo by hand",   "key":"hand" }`
	if _, err := s.Create(t.Context(), coordinator.TaskPrefix, []byte(by), coordinator.Sequential); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		spec coordinator.Spec
		want coordinator.TaskID // that has the key; "" is no error
	}{
		{name: "the same", spec: coordinator.Spec{Shell: "true", Key: "nightly"}},
		{name: "another command", spec: coordinator.Spec{Shell: "false", Key: "nightly"}, want: first.ID()},
		{name: "a program of that name", spec: coordinator.Spec{Argv: []string{"true"}, Key: "nightly"}, want: first.ID()},
		{name: "another timeout", spec: coordinator.Spec{Shell: "true", Key: "nightly", Timeout: 1}, want: first.ID()},
		{name: "the same, typed by hand", spec: coordinator.Spec{Shell: "echo by hand", Key: "hand"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.Submit(t.Context(), tt.spec)
			var holder coordinator.TaskID
			if used, ok := errors.AsType[*submit.KeyUsedError](err); ok {
				holder = used.Task
			} else if err != nil {
				t.Fatal(err)
			}
			if holder != tt.want || errors.Is(err, submit.ErrKeyUsed) != (tt.want != "") {
				t.Errorf("submit: %v, want that %q has the key", err, tt.want)
			}
		})
	}
	if got, want := specs(t, s), []string{"echo by hand", "true"}; !slices.Equal(got, want) {
		t.Errorf("tasks = %q, want %q", got, want)
	}
}

// A znode that somebody made by hand has the next number, which the service
// gives out again and again, as a create that fails does not count.
func TestNumbersTakenByHandArePassedOver(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	taken := func(numbers ...int) {
		t.Helper()
		for _, n := range numbers {
			path := fmt.Sprintf("%s%010d", coordinator.TaskPrefix, n)
			if _, err := s.Create(t.Context(), path, []byte("by hand"), coordinator.Persistent); err != nil {
				t.Fatal(err)
			}
		}
	}
	taken(3, 4, 5, 7, 108, 109, 150) // 7 creates
	c := open(t, addr)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h, err := c.Submit(ctx, coordinator.Spec{Shell: "single"})
	if err != nil {
		t.Fatal(err)
	}
	if want := coordinator.TaskID("task-0000000008"); h.ID() != want {
		t.Errorf("the task is %s, want %s", h.ID(), want)
	}
	handles, err := c.SubmitMany(ctx, numbered(250))
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range handles {
		data, _, err := s.Get(ctx, coordinator.TaskPath(h.ID()))
		if want := fmt.Sprintf("echo %04d", i); err != nil || !strings.Contains(string(data), want) {
			t.Fatalf("handle %d is %s, which holds %s (%v), want %s", i, h.ID(), data, err, want)
		}
	}
	if got, want := len(specs(t, s)), 7+1+250; got != want {
		t.Errorf("%d znodes below /tasks, want %d", got, want)
	}
}

// More numbers in a row than are passed over: an answer, not a wait.
func TestTooManyTakenNumbersAreAnError(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	var ops []coordinator.Op
	for n := range 400 {
		path := fmt.Sprintf("%s%010d", coordinator.TaskPrefix, 400+n)
		ops = append(ops, coordinator.CreateOp(path, nil, coordinator.Persistent))
	}
	if _, err := s.Multi(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := open(t, addr).Submit(ctx, coordinator.Spec{Shell: "true"})
	if !errors.Is(err, coordinator.ErrNodeExists) || !strings.Contains(err.Error(), "made by hand") {
		t.Errorf("submit: %v, want what is in the way", err)
	}
}
