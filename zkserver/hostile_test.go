package zkserver_test

import (
	"context"
	"flag"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	goodclient "github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// hostileScale makes the tests against hostile input as many times larger.
var hostileScale = flag.Int("hostile.scale", 1, "multiply the sizes of the tests against hostile input by `N`; 5 is 5,000 idle connections")

// patience is how long a good client may wait for an answer, whatever others do,
// on a machine that has much else to do.
const patience = 30 * time.Second

// A bystander is a good client that writes and reads all the while.
type bystander struct {
	t    testing.TB
	path string
	stop context.CancelFunc
	done sync.WaitGroup

	// Good after stop.
	acked  int
	worst  time.Duration
	reason error // why it ended before it was told to
}

// watchOn starts a bystander.
func watchOn(t testing.TB, s *zktest.Server) *bystander {
	t.Helper()
	c := dialGood(t, s)
	b := &bystander{t: t, path: "/bystander"}
	if _, err := c.Create(t.Context(), b.path, nil, wire.FlagPersistent, goodclient.OpenACL); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	b.done.Go(func() {
		defer c.Close()
		for ctx.Err() == nil {
			began := time.Now()
			if _, err := c.Set(context.Background(), b.path, []byte(strconv.Itoa(b.acked+1)), -1); err != nil {
				b.reason = err
				return
			}
			b.acked++
			if _, _, err := c.Get(context.Background(), b.path, false); err != nil {
				b.reason = err
				return
			}
			b.worst = max(b.worst, time.Since(began))
		}
	})
	t.Cleanup(func() { cancel() })
	return b
}

func dialGood(t testing.TB, s *zktest.Server) *goodclient.Client {
	t.Helper()
	c, err := goodclient.Dial(t.Context(), goodclient.Config{Servers: []string{s.Addr()}, SessionTimeout: patience, Dial: s.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wasServed ends the bystander, and fails unless it was served in time.
func (b *bystander) wasServed() {
	b.t.Helper()
	b.stop()
	b.done.Wait()
	switch {
	case b.reason != nil:
		b.t.Errorf("a good client was refused: %v", b.reason)
	case b.acked == 0, b.worst > patience:
		b.t.Errorf("a good client had %d writes answered, the slowest after %v", b.acked, b.worst)
	}
	b.t.Logf("a good client had %d writes and reads answered, the slowest pair after %v", b.acked, b.worst)
}

// lostNothing restarts the server, and fails unless it has what the bystander was told.
func (b *bystander) lostNothing(s *zktest.Server) {
	b.t.Helper()
	s.Restart()
	data, _, code := connect(b.t, s).get(b.path, false)
	if n, err := strconv.Atoi(data); code != wire.OK || err != nil || n < b.acked || n > b.acked+1 {
		b.t.Errorf("%d writes were acknowledged, after a restart there are %q, %v", b.acked, data, code)
	}
}

// heap is what the process has in use, clients of the test included: the heap
// after a collection, and stacks.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// sockets is how many connections to a server of the same process there may be, n
// at most.
func sockets(n int) int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return min(n, 100)
	}
	return min(n, int(min(l.Cur, 1<<20))/2-300)
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 30s: %s", what)
		}
	}
}
