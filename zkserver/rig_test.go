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
	"github.com/mwqueue/mw/zkserver/wire"
)

// A rig is a server without log and listener. Its commands are applied when
// the test says so.
type rig struct {
	*Server
	t testing.TB

	mu      sync.Mutex // protects the fields below
	pending []ensemble.Command
	full    bool          // the disk
	stall   time.Duration // of the next one that is Reserved
}

const rigOrigin = 77

func newRig(t testing.TB) *rig {
	cfg, err := Config{Dir: "none"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	b := &rig{Server: &Server{cfg: cfg, syncs: newSyncs(), input: newInput(cfg.MaxInput), start: time.Now()}, t: t}
	b.writes, b.member = b, leads{}
	b.replica = newReplica(cfg.MaxWatchesPerConn, &b.held, b.clock)
	b.replica.origin = rigOrigin
	b.replica.Apply(ensemble.Batch{Term: 1})
	return b
}

// leads is a member that leads in term 1, and has no others.
type leads struct{}

func (leads) Role() ensemble.Role             { return ensemble.Role{Term: 1, Leading: true, HasLeader: true} }
func (leads) RoleChanged() <-chan struct{}    { return nil }
func (leads) Tell([]byte) *ensemble.Telling   { return ensemble.NewTelling(1) }
func (leads) DiskHangs() time.Duration        { return 0 }
func (leads) Heard() time.Time                { return time.Time{} }
func (leads) ReadIndex(context.Context) error { return nil }

// Offer notes a command.
func (b *rig) Offer(_ context.Context, p ensemble.Proposal) error {
	if p.Reserved {
		b.mu.Lock()
		stall := b.stall
		b.stall = 0
		b.mu.Unlock()
		time.Sleep(stall)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return ensemble.ErrDiskFull
	}
	b.pending = append(b.pending, ensemble.Command{Origin: rigOrigin, Seq: p.Seq, Data: p.Data})
	return nil
}

// propose notes a command, whatever the disk says.
func (b *rig) propose(seq uint64, cmd command) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending = append(b.pending, ensemble.Command{Origin: rigOrigin, Seq: seq, Data: cmd.append(nil)})
}

func (b *rig) setFull(full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = full
}

func (b *rig) proposed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending)
}

// apply applies what was proposed.
func (b *rig) apply() {
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
func (b *rig) connect(id session.ID) *peer {
	near, far := net.Pipe()
	c := newConn(b.Server, far, addrOf(far))
	b.replica.join(c)
	b.replica.sessions.Create(id, time.Minute)
	b.replica.owners[id] = c
	c.owned, c.session, c.timeout = id, id, time.Minute

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
