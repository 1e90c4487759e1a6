package zkserver

import (
	"bufio"
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A bench is a server without log and listener. Its commands are applied when
// the test says so.
type bench struct {
	*Server
	t testing.TB

	mu      sync.Mutex // protects the fields below
	pending []ensemble.Command
	full    bool // the disk
}

const benchOrigin = 77

func newBench(t testing.TB) *bench {
	cfg, err := Config{Dir: "none"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: &Server{cfg: cfg, syncs: newSyncs(), start: time.Now()}, t: t}
	b.writes = b
	b.replica = newReplica(cfg.MaxWatchesPerConn, &b.held, b.clock)
	b.replica.origin = benchOrigin
	b.replica.Apply(ensemble.Batch{Term: 1})
	return b
}

// Propose notes a command.
func (b *bench) Propose(_ context.Context, seq uint64, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return ensemble.ErrDiskFull
	}
	b.pending = append(b.pending, ensemble.Command{Origin: benchOrigin, Seq: seq, Data: data})
	return nil
}

func (b *bench) ProposeReserved(ctx context.Context, seq uint64, data []byte) error {
	return b.Propose(ctx, seq, data)
}

func (b *bench) setFull(full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = full
}

func (b *bench) proposed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending)
}

// apply applies what was proposed.
func (b *bench) apply() {
	b.mu.Lock()
	cmds := b.pending
	b.pending = nil
	b.mu.Unlock()
	b.replica.Apply(ensemble.Batch{Term: 1, Time: 1000, Commands: cmds})
}

// A peer is the other end of a connection that has a session.
type peer struct {
	*conn
	t    testing.TB
	nc   net.Conn
	br   *bufio.Reader
	last int32
}

// connect serves a connection as if its handshake were over.
func (b *bench) connect(id session.ID) *peer {
	near, far := net.Pipe()
	c := newConn(b.Server, far, addrOf(far))
	b.replica.join(c)
	b.replica.sessions.Create(id, time.Minute)
	b.replica.owners[id] = c
	c.session, c.timeout = id, time.Minute

	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { c.close(c.writeLoop(ctx)) })
	loops.Go(func() {
		if err := c.readLoop(ctx); err != nil {
			c.close(err)
		}
	})
	b.t.Cleanup(func() {
		cancel()
		near.Close()
		c.close(errServerStops)
		loops.Wait()
		b.replica.leave(c)
	})
	return &peer{conn: c, t: b.t, nc: near, br: bufio.NewReader(near)}
}

func (p *peer) send(op wire.Op, body wire.Record) {
	p.last++
	b, start := wire.BeginFrame(nil)
	h := wire.RequestHeader{Xid: p.last, Op: op}
	b = wire.EndFrame(body.Append(h.Append(b)), start)
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// replies returns the xids that have been answered, once nothing moves.
func (p *peer) replies() (xids []int32) {
	synctest.Wait()
	for {
		p.nc.SetReadDeadline(time.Now().Add(time.Nanosecond))
		frame, err := wire.ReadFrame(p.br, nil, wire.MaxFrame)
		if err != nil {
			return xids
		}
		var h wire.ReplyHeader
		if err := wire.Decode(frame, &h); err != nil {
			p.t.Fatal(err)
		}
		xids = append(xids, h.Xid)
	}
}

var (
	setRoot = &wire.SetDataRequest{Path: "/", Version: -1}
	getRoot = &wire.PathWatchRequest{Path: "/"}
)

func wantReplies(t *testing.T, p *peer, want ...int32) {
	t.Helper()
	got := p.replies()
	if len(got) != len(want) {
		t.Fatalf("replies to %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("replies to %v, want %v", got, want)
		}
	}
}

func TestReadWaitsForOwnWriteOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p, other := b.connect(1), b.connect(2)
		p.send(wire.OpSetData, setRoot)
		p.send(wire.OpGetData, getRoot)
		wantReplies(t, p)
		other.send(wire.OpGetData, getRoot)
		wantReplies(t, other, 1)
		b.apply()
		wantReplies(t, p, 1, 2)
	})
}

func TestWritesArePipelined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := b.connect(1)
		for range 10 {
			p.send(wire.OpSetData, setRoot)
		}
		synctest.Wait()
		if got := b.proposed(); got != 10 {
			t.Errorf("%d of 10 writes are proposed", got)
		}
		b.apply()
		wantReplies(t, p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	})
}

// Were the second write proposed at once, the read could see it.
func TestWriteWaitsForEarlierRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := b.connect(1)
		p.send(wire.OpSetData, setRoot)
		p.send(wire.OpGetData, getRoot)
		p.send(wire.OpSetData, setRoot)
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		if got := b.proposed(); got != 1 {
			t.Fatalf("%d writes are proposed, want 1", got)
		}
		b.apply()
		wantReplies(t, p, 1, 2)
		if got := b.proposed(); got != 2 {
			t.Fatalf("%d writes are proposed, want 2", got)
		}
		p.send(wire.OpSetData, setRoot)
		b.apply()
		synctest.Wait()
		b.apply()
		wantReplies(t, p, 3, 4, 5)
	})
}

func TestNoMoreThanAThousandRequestsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := b.connect(1)
		var sending sync.WaitGroup
		sending.Go(func() {
			for range 2 * maxPending {
				p.send(wire.OpSetData, setRoot)
			}
		})
		synctest.Wait()
		if got := b.proposed(); got != maxPending {
			t.Errorf("%d writes are taken, want %d", got, maxPending)
		}
		if p.waiting.Load() == 0 {
			t.Error("the client's silence is held against it")
		}
		var answered int
		for answered < 2*maxPending {
			b.apply()
			answered += len(p.replies())
		}
		sending.Wait()
		if got := b.held.Load(); got != 0 {
			t.Errorf("%d bytes of requests are held when none is open", got)
		}
	})
}

func TestFullDiskRefusesWritesAndServesReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := b.connect(1)
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		b.setFull(true)
		p.send(wire.OpSetData, setRoot) // 2: refused, but not before 1 is answered
		p.send(wire.OpGetData, getRoot)
		p.send(wire.OpSetData, setRoot) // 4: refused after the read
		wantReplies(t, p)
		b.apply()
		wantReplies(t, p, 1, 2, 3, 4)
		b.setFull(false)
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		b.apply()
		wantReplies(t, p, 5)
		if stat, _ := b.replica.tree.Exists("/"); stat.Version != 2 {
			t.Errorf("%d writes were done, want 2", stat.Version)
		}
	})
}

func TestOldConnectionsWritesAreRefusedAfterAMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := b.connect(1)
		attach := command{kind: doAttach, session: 1, timeout: time.Minute}
		if err := b.Propose(t.Context(), 99<<32, attach.append(nil)); err != nil {
			t.Fatal(err)
		}
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		b.apply()
		if stat, _ := b.replica.tree.Exists("/"); stat.Version != 0 {
			t.Error("a write of the old connection was done after the session had moved")
		}
		synctest.Wait()
		if p.cause != errMoved {
			t.Errorf("old connection ended with %v, want %v", p.cause, errMoved)
		}
	})
}

func TestExpiryIsVoidAfterAnAttach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := b.connect(1)
		attach := command{kind: doAttach, session: 1, timeout: time.Minute}
		expire := command{kind: doExpire, session: 1, attach: 0}
		for _, c := range []command{attach, expire} {
			b.Propose(t.Context(), 99<<32, c.append(nil))
		}
		b.apply()
		if _, ok := b.replica.sessions.Get(1); !ok {
			t.Error("session was closed though it was attached to again")
		}
		synctest.Wait()
		_ = p
	})
}

func TestZxidCounterOverflowBeginsAnEpoch(t *testing.T) {
	b := newBench(t)
	b.replica.zxid = 5<<32 | 0xfffffffe
	for _, want := range []int64{5<<32 | 0xffffffff, 6<<32 | 1, 6<<32 | 2} {
		if got := b.replica.nextZxid(); got != want {
			t.Errorf("zxid %#x, want %#x", got, want)
		}
	}
}

// FuzzRequest sends one request with any op and body, as a read and as a
// command from the log.
func FuzzRequest(f *testing.F) {
	for op := range ops {
		if r := wire.NewRequest(op); r != nil {
			f.Add(int32(op), r.Append(nil))
		}
	}
	create := wire.CreateRequest{Path: "/a", ACL: []wire.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}}
	multi := wire.MultiRequest{Ops: []wire.MultiOp{{Op: wire.OpCreate, Request: &create}}}
	f.Add(int32(wire.OpCreate), create.Append(nil))
	f.Add(int32(wire.OpMulti), multi.Append(nil))

	b := newBench(f)
	near, far := net.Pipe()
	f.Cleanup(func() { near.Close() })
	c := newConn(b.Server, far, addrOf(far))
	b.replica.join(c)
	b.replica.sessions.Create(1, time.Minute)
	c.session = 1
	auth := appendIdentities(nil, []tree.ID{{Scheme: "digest", ID: "a:b"}})

	f.Fuzz(func(t *testing.T, code int32, body []byte) {
		o := opFor(wire.Op(code))
		c.queue.out = nil
		if o.read != nil {
			b.replica.read(c, 1, o, body, false)
			var h wire.ReplyHeader
			if err := wire.Decode(c.queue.out[4:], &h); err != nil {
				t.Errorf("no reply: %v", err)
			}
		}
		c.authenticate(body)
		h := wire.RequestHeader{Xid: 1, Op: wire.Op(code)}
		cmd := command{kind: doRequest, session: 1, authSet: auth, request: append(h.Append(nil), body...)}
		b.Propose(t.Context(), 0, cmd.append(nil))
		b.apply()
		b.replica.sessions.Create(1, time.Minute)
	})
}
