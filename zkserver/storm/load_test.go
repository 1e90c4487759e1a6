package storm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/storm/history"
)

// Where the clients work.
const (
	registers  = "/registers"
	sequences  = "/sequences"
	ephemerals = "/ephemerals"
)

var roots = []string{registers, sequences, ephemerals}

// A load is all clients together.
type load struct {
	t     testing.TB
	addrs []string
	seed  uint64

	linearizable bool // so are the servers' reads, without a sync
	rec          history.Recorder
	all          sync.WaitGroup
	stop         context.CancelFunc

	refused    atomic.Int64 // writes, for a full disk
	operations atomic.Int64 // on registers
	acked      atomic.Int64 // writes
	quietest   atomic.Int64 // ns, the longest time without an acknowledged write
	lastAck    atomic.Int64 // of now
}

// registerUse is how many operations there are on one register, more or less: the
// search for an order of them must not take long.
const registerUse = 40

// register picks one of those in use.
func (l *load) register(rng *rand.Rand) string {
	n := l.operations.Add(1) / (3 * registerUse)
	return fmt.Sprintf("%s/%d", registers, 3*n+rng.Int64N(3))
}

// startLoad starts the clients of servers whose reads are linearizable or not.
func startLoad(t testing.TB, seed uint64, addrs []string, linearizable bool) *load {
	t.Helper()
	l := &load{t: t, addrs: addrs, seed: seed, linearizable: linearizable}
	ctx, stop := context.WithCancel(t.Context())
	l.stop = stop
	setup := connect(t, &l.rec, "setup", rand.New(rand.NewPCG(seed, 0)), addrs)
	for _, path := range roots {
		await(t, time.Minute, "a write", func() bool {
			code := setup.create(path).Code
			return code == history.OK || code == history.Exists
		})
	}
	setup.conn.Close()
	l.lastAck.Store(now())
	for i, role := range []func(context.Context, *client){
		l.writer, l.writer, l.writer, l.reader, l.reader, l.sequencer, l.sequencer, l.owner, l.owner, l.lister, l.watcher, l.watcher, l.bulk,
	} {
		rng := rand.New(rand.NewPCG(seed, uint64(i)+1))
		c := connect(t, &l.rec, fmt.Sprintf("c%d", i), rng, addrs)
		c.refused, c.linearizable = &l.refused, linearizable
		l.all.Go(func() {
			role(ctx, c)
			c.conn.Close()
		})
	}
	return l
}

// end stops the clients and returns what they saw.
func (l *load) end() []history.Op {
	l.stop()
	l.all.Wait()
	return l.rec.Ops()
}

// pause is that of a client between two operations.
func (c *client) pause(ctx context.Context, longest time.Duration) {
	timer := time.NewTimer(time.Duration(c.rng.Int64N(int64(longest))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (l *load) writer(ctx context.Context, c *client) {
	var seen history.Op
	for ctx.Err() == nil {
		path := l.register(c.rng)
		var o history.Op
		switch n := c.rng.IntN(100); {
		case n < 20:
			o = c.create(path)
		case n < 25:
			o = c.delete(path)
		case n < 40:
			seen = c.read(history.Read, path)
		case n < 60 && seen.Path != "":
			o = c.set(seen.Path, seen.Version)
		default:
			o = c.set(path, -1)
		}
		if o.Code == history.OK {
			l.acknowledged()
		}
		c.pause(ctx, 20*time.Millisecond)
	}
}

// acknowledged keeps count.
func (l *load) acknowledged() {
	l.acked.Add(1)
	at := now()
	quiet := at - l.lastAck.Swap(at)
	for {
		longest := l.quietest.Load()
		if quiet <= longest || l.quietest.CompareAndSwap(longest, quiet) {
			return
		}
	}
}

func (l *load) reader(ctx context.Context, c *client) {
	for ctx.Err() == nil {
		kind := history.Read
		if c.rng.IntN(2) == 0 {
			kind = history.Peek
		}
		c.read(kind, l.register(c.rng))
		c.pause(ctx, 30*time.Millisecond)
	}
}

func (l *load) sequencer(ctx context.Context, c *client) {
	for ctx.Err() == nil {
		c.sequential(sequences)
		c.pause(ctx, 50*time.Millisecond)
	}
}

// owner holds ephemeral znodes, one after the other, and ends its sessions in all
// the ways there are.
func (l *load) owner(ctx context.Context, c *client) {
	for life := 0; ctx.Err() == nil; life++ {
		path := fmt.Sprintf("%s/%s-%d", ephemerals, c.name, life)
		c.ephemeral(path)
		for range 10 + c.rng.IntN(60) {
			c.read(history.Read, path) // which says that the session lives
			c.pause(ctx, 100*time.Millisecond)
			if ctx.Err() != nil {
				return
			}
		}
		switch c.rng.IntN(3) {
		case 0:
			c.delete(path)
			continue
		case 1:
			c.conn.Close()
		case 2:
			c.vanish()
		}
		c.open(l.t, l.addrs)
	}
}

func (l *load) lister(ctx context.Context, c *client) {
	for ctx.Err() == nil {
		c.list(ephemerals)
		c.pause(ctx, 100*time.Millisecond)
	}
}

func (l *load) watcher(ctx context.Context, c *client) {
	for ctx.Err() == nil {
		path := l.register(c.rng)
		events, ok := c.watch(path)
		for range 30 {
			if !ok || ctx.Err() != nil || c.looksAt(path, events) {
				break
			}
			c.pause(ctx, 10*time.Millisecond)
		}
		c.pause(ctx, 20*time.Millisecond)
	}
}

// bulk makes the log grow, so that a disk that is full is noticed. It is not noted.
func (l *load) bulk(ctx context.Context, c *client) {
	data := make([]byte, 16<<10)
	for ctx.Err() == nil {
		c.conn.Set(sequences, data, -1)
		c.pause(ctx, 50*time.Millisecond)
	}
}
