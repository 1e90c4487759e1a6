package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// next gives the next state of a follower.
func next[T any](t testing.TB, states <-chan T) T {
	t.Helper()
	select {
	case state, ok := <-states:
		if !ok {
			t.Fatal("the follower has ended")
		}
		return state
	case <-time.After(5 * time.Second):
		t.Fatal("no state")
		panic("unreachable")
	}
}

func TestFollowData(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	states := s.FollowData(within(t, 10*time.Second), "/tasks/x")
	if d := next(t, states); d.Exists {
		t.Errorf("a missing znode = %+v", d)
	}
	create(t, other, "/tasks/x", coordinator.Persistent)
	if d := next(t, states); !d.Exists || string(d.Bytes) != "data" || d.Stat.Version != 0 {
		t.Errorf("created = %+v", d)
	}
	_, err := other.Set(t.Context(), "/tasks/x", []byte("more"), 0)
	must(t, err)
	if d := next(t, states); string(d.Bytes) != "more" || d.Stat.Version != 1 {
		t.Errorf("changed = %+v", d)
	}
	must(t, other.Delete(t.Context(), "/tasks/x", 1))
	if d := next(t, states); d.Exists {
		t.Errorf("deleted = %+v", d)
	}
}

func TestFollowChildren(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	states := s.FollowChildren(ctx, "/assign/w1")
	if c := next(t, states); c.Exists {
		t.Errorf("a missing znode = %+v", c)
	}
	create(t, other, "/assign/w1", coordinator.Persistent)
	if c := next(t, states); !c.Exists || len(c.Names) != 0 {
		t.Errorf("created = %+v", c)
	}
	create(t, other, "/assign/w1/a", coordinator.Persistent)
	if c := next(t, states); len(c.Names) != 1 || c.Names[0] != "a" {
		t.Errorf("one child = %+v", c)
	}
	must(t, other.Delete(t.Context(), "/assign/w1/a", 0))
	if c := next(t, states); len(c.Names) != 0 || !c.Exists {
		t.Errorf("no child = %+v", c)
	}
	must(t, other.Delete(t.Context(), "/assign/w1", 0))
	if c := next(t, states); c.Exists {
		t.Errorf("deleted = %+v", c)
	}
	cancel()
	for range states {
	}
}

// Whoever keeps knowledge by name learns that the names mean others now.
func TestReMadeParentIsTold(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	path := create(t, other, "/tasks/task-", coordinator.Sequential)
	states := s.FollowChildren(within(t, 10*time.Second), "/tasks")
	first := next(t, states)
	must(t, other.Delete(t.Context(), path, 0))
	must(t, other.Delete(t.Context(), "/tasks", 0))
	must(t, other.EnsureTree(t.Context()))
	if again := create(t, other, "/tasks/task-", coordinator.Sequential); again != path {
		t.Fatalf("the sequence goes on at %s", again)
	}
	for {
		c := next(t, states)
		if !c.Exists && (len(c.Names) > 0 || c.Stat != (coordinator.Stat{})) {
			t.Fatalf("a missing znode = %+v", c)
		}
		if c.Exists && c.Stat.Czxid != first.Stat.Czxid && len(c.Names) == 1 {
			return
		}
	}
}

// A follower that joins another sees no state from before it joined, and the
// path is watched once.
func TestFollowersShareAPath(t *testing.T) {
	v := newService(t)
	s := v.connect(t)
	ctx := within(t, 10*time.Second)
	one := s.FollowChildren(ctx, "/tasks")
	next(t, one)
	for i := range 20 {
		create(t, s, fmt.Sprintf("/tasks/t%d", i), coordinator.Persistent)
		ctx, cancel := context.WithCancel(ctx)
		two := s.FollowChildren(ctx, "/tasks")
		if c := next(t, two); len(c.Names) < i+1 {
			t.Fatalf("a new follower sees %d children, there are %d", len(c.Names), i+1)
		}
		cancel()
		for range two {
		}
	}
	for len(next(t, one).Names) != 20 {
	}
}

// Changes and cuts in any order: every follower ends with the last state.
func TestFollowersNeverMissTheLastState(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s, other := v.via(proxy).connect(t), v.connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	const paths = 100
	var last [paths]int32
	seen := make(chan struct{}, 1)
	var mu sync.Mutex // protects versions
	var versions [paths]int32
	var children int
	changed := func(set func()) {
		mu.Lock()
		set()
		mu.Unlock()
		select {
		case seen <- struct{}{}:
		default:
		}
	}
	for i := range paths {
		path := fmt.Sprintf("/workers/w%d", i)
		create(t, other, path, coordinator.Persistent)
		go func() {
			for d := range s.FollowData(ctx, path) {
				changed(func() { versions[i] = d.Stat.Version })
			}
		}()
	}
	go func() {
		for c := range s.FollowChildren(ctx, "/tasks") {
			changed(func() { children = len(c.Names) })
		}
	}()

	created := 0
	for range 400 {
		switch i := random.IntN(paths); random.IntN(10) {
		case 0:
			proxy.Cut()
		case 1:
			proxy.CutAfter(zktest.Replies, random.IntN(2000))
		case 2, 3:
			create(t, other, "/tasks/task-", coordinator.Sequential)
			created++
		default:
			stat, err := other.Set(ctx, fmt.Sprintf("/workers/w%d", i), nil, coordinator.AnyVersion)
			must(t, err)
			last[i] = stat.Version
		}
	}
	done := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return versions == last && children == created
	}
	for !done() {
		select {
		case <-seen:
		case <-time.After(10 * time.Second):
			t.Fatalf("seed %d: versions %v, want %v; %d children, want %d; %v", seed, versions, last, children, created, context.Cause(s.Context()))
		}
	}
}

// While changes keep coming they are gathered; the first after a quiet time is
// delivered at once.
func TestChangesAreGathered(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	var ops []coordinator.Op
	for range coordinator.MaxMultiOps {
		ops = append(ops, coordinator.CreateOp("/tasks/task-", nil, coordinator.Sequential))
	}
	for range 10 {
		_, err := other.Multi(t.Context(), ops...)
		must(t, err)
	}
	states := s.FollowChildren(within(t, 20*time.Second), "/tasks")
	next(t, states)
	const changes = 200
	go func() {
		for range changes {
			_, _ = other.Create(context.Background(), "/tasks/task-", nil, coordinator.Sequential)
		}
	}()
	n := 0
	for len(next(t, states).Names) < 10*coordinator.MaxMultiOps+changes {
		n++
	}
	if n > changes/2 {
		t.Errorf("%d states for %d changes", n, changes)
	}
}

func TestAwait(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	ctx := within(t, 10*time.Second)
	done := make(chan error)
	go func() { done <- s.AwaitExists(ctx, "/tasks/x") }()
	create(t, other, "/tasks/x", coordinator.Persistent)
	must(t, <-done)
	must(t, s.AwaitExists(ctx, "/tasks/x"))
	go func() { done <- s.AwaitGone(ctx, "/tasks/x") }()
	must(t, other.Delete(ctx, "/tasks/x", 0))
	must(t, <-done)

	if err := s.AwaitExists(within(t, 20*time.Millisecond), "/tasks/x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("AwaitExists = %v, want DeadlineExceeded", err)
	}
	if err := s.AwaitExists(ctx, "tasks"); !errors.Is(err, coordinator.ErrInvalidPath) {
		t.Errorf("AwaitExists of a bad path = %v", err)
	}
	go func() { done <- s.AwaitExists(ctx, "/tasks/x") }()
	must(t, s.Close())
	if err := <-done; !errors.Is(err, coordinator.ErrClosed) {
		t.Errorf("AwaitExists = %v, want ErrClosed", err)
	}
}

// More paths than may be watched: the rest is polled, and nothing is missed.
func TestTooManyWatchesArePolled(t *testing.T) {
	if testing.Short() {
		t.Skip("polls for a second")
	}
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	ctx := within(t, 30*time.Second)
	name := make([]byte, 300)
	for i := range name {
		name[i] = 'n'
	}
	const paths = 400 // of 300 bytes: 120 KB
	var wg sync.WaitGroup
	for i := range paths {
		path := fmt.Sprintf("/tasks/%s%d", name, i)
		wg.Go(func() {
			if err := s.AwaitExists(ctx, path); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range paths {
		create(t, other, fmt.Sprintf("/tasks/%s%d", name, i), coordinator.Persistent)
	}
	wg.Wait()
}
