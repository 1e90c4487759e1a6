package zkserver

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/watch"
	"github.com/mwqueue/mw/zkserver/wire"
)

// One multi makes 100 MB of events before anyone can take one. What is above the
// bounds is never there, and a client that misses an event sees no more replies.
func TestEventsOfOneChangeStayWithinTheBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.cfg.MaxOutput = 1 << 20
		b.replica.maxWatches, b.replica.allWatches = 10, 1000
		path := "/" + strings.Repeat("x", 100_000)
		writer := b.connect(1)
		writer.send(wire.OpCreate, &wire.CreateRequest{Path: path, ACL: []wire.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}})
		synctest.Wait()
		b.apply()
		wantReplies(t, writer, 1)

		var watchers []*peer
		for i := range 50 {
			p := b.connect(session.ID(2 + i))
			p.send(wire.OpAddWatch, &wire.AddWatchRequest{Path: path, Mode: wire.AddPersistent})
			wantReplies(t, p, 1)
			watchers = append(watchers, p)
		}
		var multi wire.MultiRequest
		for range 20 {
			multi.Ops = append(multi.Ops, wire.MultiOp{Op: wire.OpSetData, Request: &wire.SetDataRequest{Path: path, Version: -1}})
		}
		// A frame holds ten paths of this length.
		writer.send(wire.OpMulti, &wire.MultiRequest{Ops: multi.Ops[:10]})
		writer.send(wire.OpMulti, &wire.MultiRequest{Ops: multi.Ops[10:]})
		synctest.Wait()
		b.apply()

		const bound = 2<<20 + tightEventBytes
		if got := b.output.Load(); got > bound {
			t.Errorf("%d bytes of output wait, the bound is %d", got, bound)
		}
		wantReplies(t, writer, 2, 3)
		for i, p := range watchers {
			p.mu.Lock()
			if !p.closed || p.cause != errSlowReader {
				t.Errorf("watcher %d missed events and is not cut off", i)
			}
			p.mu.Unlock()
		}
	})
}

// Thousands of connections may each have had a large answer once.
func TestIdleConnectionKeepsNoLargeBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		p.send(wire.OpSetData, &wire.SetDataRequest{Path: "/", Version: -1, Data: make([]byte, 50_000)})
		synctest.Wait()
		b.apply()
		wantReplies(t, p, 1)
		p.send(wire.OpGetData, getRoot)
		wantReplies(t, p, 2)
		p.send(wire.OpGetData, getRoot)
		wantReplies(t, p, 3)
		kept := func() int {
			p.mu.Lock()
			defer p.mu.Unlock()
			return cap(p.spare) + cap(p.queue.out)
		}
		if kept() < 50_000 {
			t.Errorf("%d bytes are kept for the next answers", kept())
		}
		b.trim()
		b.trim()
		if got := kept(); got > 2*keepIdle {
			t.Errorf("%d bytes are kept when idle", got)
		}
	})
}

func TestPathsOfAllWatchesTogetherAreBounded(t *testing.T) {
	b := newRig(t)
	b.replica.watchBytes = 1000
	v, other := view{replica: b.replica, conn: &conn{number: 1}}, view{replica: b.replica, conn: &conn{number: 2}}
	long := "/" + strings.Repeat("x", 600)
	for range 2 { // the second time it is there already
		if !v.watch(watch.Data, long) {
			t.Error("one watch is refused, or its repetition")
		}
	}
	if other.watch(watch.Child, long) {
		t.Error("the second of two long ones is set")
	}
	if !other.watch(watch.Child, "/short") {
		t.Error("a short one is refused")
	}
	b.replica.watches.RemoveConn(1)
	if !other.watch(watch.Child, long) {
		t.Error("a long one is refused when the first has gone")
	}
}
