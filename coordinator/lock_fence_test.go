package coordinator_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestReadersShareALockAndWritersDoNot(t *testing.T) {
	v := newService(t)
	ctx := within(t, 10*time.Second)
	shared := coordinator.LockRequest{Path: "/locks/a", Shared: true}
	one, err := v.connect(t).Acquire(ctx, shared)
	must(t, err)
	two, err := v.connect(t).Acquire(ctx, shared)
	must(t, err)

	queue := v.connect(t).FollowChildren(ctx, "/locks/a")
	writer, reader := v.connect(t), v.connect(t)
	order := make(chan string, 2)
	locks := make(chan *coordinator.Lock, 2)
	waits := func(name string, s *coordinator.Session, r coordinator.LockRequest, inQueue int) {
		go func() {
			lock, err := s.Acquire(ctx, r)
			if err != nil {
				t.Error(err)
			}
			order <- name
			locks <- lock
		}()
		for state := range queue {
			if len(state.Names) == inQueue {
				return
			}
		}
	}
	waits("writer", writer, coordinator.LockRequest{Path: "/locks/a"}, 3)
	waits("reader", reader, shared, 4) // behind the writer, or that would wait for ever
	must(t, one.Unlock(ctx))
	select {
	case name := <-order:
		t.Fatalf("the %s holds the lock beside a reader", name)
	case <-time.After(50 * time.Millisecond):
	}
	must(t, two.Unlock(ctx))
	if name := <-order; name != "writer" {
		t.Fatalf("the %s was before the writer", name)
	}
	must(t, (<-locks).Unlock(ctx))
	if name := <-order; name != "reader" {
		t.Fatalf("the %s came after the writer", name)
	}
}

func TestWhoDoesNotWaitIsRefusedAndLeavesNothing(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	try := coordinator.LockRequest{Path: "/locks/a", NoWait: true, Note: []byte("a note")}
	lock, err := s.Acquire(t.Context(), try)
	must(t, err)
	if _, err := other.Acquire(t.Context(), try); !errors.Is(err, coordinator.ErrLockHeld) {
		t.Errorf("Acquire = %v, want ErrLockHeld", err)
	}
	names, stat, err := other.Children(t.Context(), "/locks/a")
	if err != nil || len(names) != 1 || stat.Cversion != 1 {
		t.Errorf("in the queue: %q, %d changes, %v", names, stat.Cversion, err)
	}
	if note, _, err := other.Get(t.Context(), "/locks/a/"+names[0]); string(note) != "a note" {
		t.Errorf("the note = %q, %v", note, err)
	}
	must(t, lock.Unlock(t.Context()))
	_, err = other.Acquire(t.Context(), try)
	must(t, err)
}

// The holder was deposed and was not told yet: it must not write all the same.
func TestWhoLostALockCannotWrite(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	create(t, other, "/state", coordinator.Persistent)
	lock, err := s.Lock(t.Context(), "/locks/a")
	must(t, err)
	if _, err := lock.Multi(t.Context(), coordinator.SetOp("/state", []byte("1"), 0)); err != nil {
		t.Fatal(err)
	}
	_, err = lock.Multi(t.Context(), coordinator.SetOp("/state", []byte("1"), 0))
	if refused, ok := errors.AsType[*coordinator.MultiError](err); !ok || refused.Index != 0 || !lock.Held() {
		t.Errorf("a refused write = %v, want a MultiError at 0, and the lock held", err)
	}
	names, _, err := other.Children(t.Context(), "/locks/a")
	must(t, err)
	must(t, other.Delete(t.Context(), "/locks/a/"+names[0], coordinator.AnyVersion))
	next, err := other.Lock(within(t, 5*time.Second), "/locks/a")
	must(t, err)
	if _, err := lock.Multi(t.Context(), coordinator.SetOp("/state", []byte("2"), 1)); !errors.Is(err, coordinator.ErrLockLost) {
		t.Errorf("a write without the lock = %v, want ErrLockLost", err)
	}
	if err := ended(t, lock.Context()); !errors.Is(err, coordinator.ErrLockLost) || lock.Held() {
		t.Errorf("cause = %v, want ErrLockLost", err)
	}
	if _, err := next.Multi(t.Context(), coordinator.SetOp("/state", []byte("2"), 1)); err != nil {
		t.Errorf("the next holder's write = %v", err)
	}
}

// The answer to the create is lost, and so is patience: the place that was taken
// all the same would keep everybody waiting for as long as the session lives.
func TestPlaceOfOneWhoGaveUpIsGivenUp(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s, other := v.via(proxy).connect(t), v.connect(t)
	create(t, other, "/locks", coordinator.Persistent)
	create(t, other, "/locks/a", coordinator.Persistent)
	queue := other.FollowChildren(within(t, 10*time.Second), "/locks/a")
	<-queue
	proxy.SetMode(zktest.DropReplies)
	ctx, giveUp := context.WithCancel(t.Context())
	refused := make(chan error)
	go func() {
		_, err := s.Lock(ctx, "/locks/a")
		refused <- err
	}()
	for state := range queue {
		if len(state.Names) == 1 {
			break
		}
	}
	giveUp()
	if err := <-refused; !errors.Is(err, context.Canceled) {
		t.Errorf("Lock = %v", err)
	}
	proxy.SetMode(zktest.Pass)
	proxy.Cut()
	_, err := other.Lock(within(t, 10*time.Second), "/locks/a")
	if err != nil || s.Context().Err() != nil {
		t.Errorf("Lock of another = %v; the session: %v", err, context.Cause(s.Context()))
	}
}

func TestSessionLostWhileWaitingEndsTheWaiting(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s, other := v.via(proxy).connectBriefly(t), v.connect(t)
	lock, err := other.Lock(t.Context(), "/locks/a")
	must(t, err)
	queue := other.FollowChildren(within(t, 20*time.Second), "/locks/a")
	refused := make(chan error, 1)
	go func() {
		_, err := s.Lock(context.Background(), "/locks/a")
		refused <- err
	}()
	awaitQueue := func(n int) {
		for state := range queue {
			if len(state.Names) == n {
				return
			}
		}
		t.Fatalf("there were never %d in the queue", n)
	}
	awaitQueue(2)
	proxy.SetMode(zktest.Silence)
	if err := <-refused; !errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("Lock = %v, want ErrSessionLost", err)
	}
	awaitQueue(1) // the service expires it, too
	must(t, lock.Unlock(t.Context()))
}

// What nobody uses any more the service deletes: names of locks may be many.
func TestUnusedLocksAreDeleted(t *testing.T) {
	often := func(cfg *zkserver.Config) { cfg.SweepInterval = 20 * time.Millisecond }
	s := service{addr: zktest.NewServer(t, often).Addr()}.connect(t)
	ctx := within(t, 10*time.Second)
	for _, path := range []string{"/locks/a", "/lock", "/locks/a"} {
		lock, err := s.Lock(ctx, path)
		must(t, err)
		must(t, lock.Unlock(ctx))
		must(t, s.AwaitGone(ctx, path))
	}
	if !exists(t, s, "/locks") {
		t.Error("/locks is gone")
	}
}

// A znode of ours that nobody knows of, by an answer that was lost: in the queue
// we would wait for it.
func TestTwinsOfAPlaceAreRemoved(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	lock, err := other.Lock(t.Context(), "/locks/a")
	must(t, err)
	ctx := within(t, 10*time.Second)
	queue := other.FollowChildren(ctx, "/locks/a")
	locked := make(chan error, 1)
	go func() {
		_, err := s.Lock(ctx, "/locks/a")
		locked <- err
	}()
	var names []string
	for len(names) < 2 {
		names = (<-queue).Names
	}
	slices.SortFunc(names, func(a, b string) int { return slices.Compare([]byte(a[len(a)-10:]), []byte(b[len(b)-10:])) })
	// The same mark, with a number from before both.
	create(t, other, "/locks/a/"+names[1][:len(names[1])-10]+"-000000001", coordinator.Ephemeral)
	must(t, lock.Unlock(ctx))
	must(t, <-locked)
	if left, _, err := other.Children(ctx, "/locks/a"); err != nil || !slices.Equal(left, names[1:]) {
		t.Errorf("in the queue: %q, %v, want %q", left, err, names[1:])
	}
}
