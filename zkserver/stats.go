package zkserver

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wire"
)

// stats are the counts of a server that words.go and package admin show. The
// zero value is ready.
//
// What every request changes is kept for each connection, under the lock that a
// reply needs anyway, and summed up when somebody asks; the latencies are in
// histograms, those of reads in several, so that processors do not wait for each
// other.
type stats struct {
	reads     [readHistograms]histogram
	writes    histogram
	fsyncs    histogram
	snapshots histogram
	load      histogram // reading of a snapshot at the start

	// replayed and replay are how many commands were applied at the start, and
	// the time it took, in ns.
	replayed, replay atomic.Int64

	// propagation is from the time that the leader gave a command to when it was
	// applied here.
	propagation histogram

	// told says how many connections heard of a change, by the kind of event; a
	// connection counts as 1 ms.
	told [wire.EventChildrenChanged + 1]histogram

	proposals proposals // of an ensemble
	members   atomic.Pointer[[]ensemble.Member]
	noLeader  histogram // how long there was no leader, each time

	authFailed, connects, rejected, expired  atomic.Int64
	handshakes                               atomic.Int64 // TLS, under way
	badHandshakes, lateHandshakes, slowSyncs atomic.Int64
	largeRejected, sessionless               atomic.Int64

	snapshotZxid, snapshotTime atomic.Int64 // of the newest; ms since 1970, 0 for none

	mu     sync.Mutex // protects the fields below; locked inside conn.mu
	closed totals     // of connections that are gone, and of what crst took away
	base   totals     // subtracted: the sums at the last srst
}

const readHistograms = 4

// totals are sums over connections.
type totals struct{ received, sent, bytesIn, bytesOut int64 }

func (t *totals) add(u totals) {
	t.received += u.received
	t.sent += u.sent
	t.bytesIn += u.bytesIn
	t.bytesOut += u.bytesOut
}

// A tally is what a connection has counted, for cons. It is protected by
// conn.mu.
type tally struct {
	opened time.Duration // on the server's clock, as all times

	op       *op // of the last request that was answered
	xid      int32
	zxid     int64
	replied  time.Duration
	last     time.Duration // latency
	min, max time.Duration
	sum      time.Duration
	count    int64

	bytesOut int64
	lastSize, minSize,
	maxSize int // of replies; count says whether there are any
}

// add counts a reply.
func (t *tally) add(o *op, xid int32, zxid int64, size int, now, took time.Duration) {
	if t.count == 0 || took < t.min {
		t.min = took
	}
	if t.minSize == 0 || size < t.minSize {
		t.minSize = size
	}
	t.max, t.maxSize = max(t.max, took), max(t.maxSize, size)
	t.op, t.replied, t.last, t.lastSize = o, now, took, size
	t.sum += took
	t.count++
	t.bytesOut += int64(size)
	if xid > 0 {
		t.xid = xid
	}
	if zxid > 0 {
		t.zxid = zxid
	}
}

// countRead counts the reply of size bytes to a read. c.mu is locked, and the
// request is still in the queue if it was queued.
func (c *conn) countRead(o *op, h *wire.ReplyHeader, size int, queued bool) {
	since := time.Duration(c.heard.Load())
	if queued {
		since = c.queue.oldest().since
	}
	now := c.srv.clock()
	c.tally.add(o, h.Xid, h.Zxid, size, now, now-since)
	c.srv.stats.reads[c.number%readHistograms].add(now - since)
}

// countWrite counts the reply of size bytes to a write. c.mu is locked.
func (c *conn) countWrite(q *request, zxid int64, size int, now time.Duration) {
	c.tally.add(q.op, q.xid, zxid, size, now, now-q.since)
	c.srv.stats.writes.add(now - q.since)
}

// totals are those of the connection. c.mu is locked.
func (c *conn) totals() totals {
	return totals{received: c.received.Load(), sent: c.sent, bytesIn: c.bytesIn.Load(), bytesOut: c.tally.bytesOut}
}

// refused counts why a connection came to no session.
func (s *stats) refused(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.sessionless.Add(1)
	}
}

// leave keeps the sums of a connection that is closed. c.mu is locked.
func (s *stats) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed.add(c.totals())
}

// ResetConns forgets what was counted for each connection, but not the sums.
func (s *Server) ResetConns() {
	r := s.replica
	r.mu.Lock() // or sums might count a connection twice
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.mu.Lock()
		t := c.totals()
		t.received, t.bytesIn = c.received.Swap(0), c.bytesIn.Swap(0)
		c.sent = 0
		c.tally = tally{opened: c.tally.opened, op: noOp}
		s.stats.mu.Lock()
		s.stats.closed.add(t)
		s.stats.mu.Unlock()
		c.mu.Unlock()
	}
}

// ResetServer forgets the sums and the latencies, but not what was counted for
// each connection.
func (s *Server) ResetServer() {
	sums, _ := s.sums()
	st := &s.stats
	st.mu.Lock()
	st.base.add(sums)
	st.mu.Unlock()
	for i := range st.reads {
		st.reads[i].reset()
	}
	for _, h := range []*histogram{&st.writes, &st.fsyncs, &st.snapshots, &st.load, &st.propagation} {
		h.reset()
	}
	for i := range st.told {
		st.told[i].reset()
	}
	st.replayed.Store(0)
	st.replay.Store(0)
	st.proposals.reset()
	for _, n := range []*atomic.Int64{&st.authFailed, &st.connects, &st.rejected, &st.expired, &st.badHandshakes,
		&st.lateHandshakes, &st.slowSyncs, &st.largeRejected, &st.sessionless} {
		n.Store(0)
	}
	r := s.replica
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, c := range r.conns {
		c.mu.Lock()
		c.tally.lastSize, c.tally.minSize, c.tally.maxSize = 0, 0, 0
		c.mu.Unlock()
	}
}
