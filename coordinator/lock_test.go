package coordinator_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestLockExcludes(t *testing.T) {
	v := newService(t)
	var holders atomic.Int32
	var mu sync.Mutex
	var fences []int64
	var wg sync.WaitGroup
	for range 10 {
		s := v.connect(t)
		wg.Go(func() {
			lock, err := s.Lock(within(t, 10*time.Second), "/locks/a")
			if err != nil {
				t.Error(err)
				return
			}
			if holders.Add(1) != 1 {
				t.Error("two hold the lock")
			}
			mu.Lock()
			fences = append(fences, lock.Fence())
			mu.Unlock()
			holders.Add(-1)
			if err := lock.Unlock(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(fences) != 10 || !slices.IsSorted(fences) {
		t.Errorf("fences = %v, want ten that grow", fences)
	}
}

// Ten wait, and each release wakes one: the others are not even told.
func TestLockHasNoHerd(t *testing.T) {
	v := newService(t)
	held, err := v.connect(t).Lock(t.Context(), "/locks/a")
	must(t, err)
	queue := v.connect(t).FollowChildren(within(t, 20*time.Second), "/locks/a")
	const contenders = 10
	locks := make(chan *coordinator.Lock)
	var events atomic.Int32
	for i := range contenders {
		cfg := v.config()
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return eventCounter{c, &events}, err
		}
		s := connect(t, cfg)
		go func() {
			lock, err := s.Lock(within(t, 20*time.Second), "/locks/a")
			if err != nil {
				t.Error(err)
			}
			locks <- lock
		}()
		for state := range queue {
			if len(state.Names) == i+2 {
				break
			}
		}
	}
	for range contenders {
		must(t, held.Unlock(t.Context()))
		held = <-locks
		select {
		case <-locks:
			t.Fatal("two hold the lock")
		default:
		}
	}
	// Each was told that the one before it is gone, and that its own znode is.
	if n := events.Load(); n > 2*contenders {
		t.Errorf("%d events for %d contenders", n, contenders)
	}
}

// eventCounter counts the watch events that arrive: frames with xid -1. The
// library reads a frame's length alone, so that a read begins with the xid.
type eventCounter struct {
	net.Conn
	n *atomic.Int32
}

func (c eventCounter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 4 && int32(binary.BigEndian.Uint32(b)) == -1 {
		c.n.Add(1)
	}
	return n, err
}

func TestLockIsLostWithItsZnode(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	lock, err := s.Lock(t.Context(), "/locks/a")
	must(t, err)
	names, _, err := other.Children(t.Context(), "/locks/a")
	must(t, err)
	must(t, other.Delete(t.Context(), "/locks/a/"+names[0], coordinator.AnyVersion))
	_ = ended(t, lock.Context())
	must(t, lock.Unlock(t.Context()))

	lock, err = s.Lock(t.Context(), "/locks/a")
	must(t, err)
	must(t, s.Close())
	_ = ended(t, lock.Context())
	next, err := other.Lock(within(t, time.Second), "/locks/a")
	if err != nil || next.Fence() <= lock.Fence() {
		t.Errorf("the next lock = %v, %v", next, err)
	}
}

func TestLockLeavesNothingWhenItGivesUp(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	lock, err := s.Lock(t.Context(), "/locks/a")
	must(t, err)
	if _, err := other.Lock(within(t, 50*time.Millisecond), "/locks/a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock = %v, want DeadlineExceeded", err)
	}
	names, _, err := s.Children(t.Context(), "/locks/a")
	if err != nil || len(names) != 1 {
		t.Errorf("in the queue: %q, %v", names, err)
	}
	must(t, lock.Unlock(t.Context()))
}

// The answer to the create is lost: the place in the queue is found by its
// mark, and taken once.
func TestLostPlaceInTheQueueIsFound(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s, other := v.via(proxy).connect(t), v.connect(t)
	create(t, other, "/locks", coordinator.Persistent)
	create(t, other, "/locks/a", coordinator.Persistent)
	queue := other.FollowChildren(within(t, 5*time.Second), "/locks/a")
	<-queue
	proxy.SetMode(zktest.DropReplies)
	held := make(chan error)
	go func() {
		_, err := s.Lock(context.Background(), "/locks/a")
		held <- err
	}()
	<-queue
	proxy.SetMode(zktest.Pass)
	proxy.Cut()
	must(t, <-held)
	if names, _, err := other.Children(t.Context(), "/locks/a"); err != nil || len(names) != 1 {
		t.Errorf("in the queue: %q, %v", names, err)
	}
}
