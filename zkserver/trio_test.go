package zkserver

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A trio is three whole servers in a bubble, on a network whose ways can be cut.
// Members are 1 to 3.
type trio struct {
	*testing.T
	net     *simNet
	option  func(*Config)
	servers map[int]*Server // those that run
	disks   map[int]*waltest.Disk
	ends    map[int]func()
	errs    map[int]<-chan error // of those that have run
}

// inTrio runs a test of three servers, once they have a leader.
func inTrio(t *testing.T, option func(*Config), test func(*trio)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &trio{
			T: t, net: newSimNet(rand.New(rand.NewPCG(1, 1)), time.Millisecond), option: option,
			servers: map[int]*Server{}, disks: map[int]*waltest.Disk{}, ends: map[int]func(){}, errs: map[int]<-chan error{},
		}
		for n := 1; n <= 3; n++ {
			r.disks[n] = waltest.New(uint64(n))
			r.start(n)
		}
		defer func() {
			for _, end := range r.ends {
				end()
			}
		}()
		r.settle()
		test(r)
	})
}

var trioLog = flag.Bool("trio.log", false, "show what servers log")

func (r *trio) start(n int) {
	r.Helper()
	cfg := Config{
		Dir: "/data", FS: r.disks[n], SegmentBytes: 1 << 20, MaxFrame: 64 << 10, Words: []string{"*"},
		Listener: r.net.listen(n, clientAddr(n)),
		Ensemble: Ensemble{Number: n, Listener: r.net.listen(n, peerAddr(n)), Dial: func(ctx context.Context, to Member) (net.Conn, error) {
			return r.net.dial(ctx, n, to.Address)
		}},
	}
	for m := 1; m <= 3; m++ {
		cfg.Ensemble.Members = append(cfg.Ensemble.Members, Member{Number: m, Address: peerAddr(m)})
	}
	if *trioLog {
		cfg.Log = zerolog.New(os.Stderr).Level(zerolog.InfoLevel).With().Int("at", n).Timestamp().Logger()
	}
	if r.option != nil {
		r.option(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(ended)
		failed <- s.Run(ctx)
	}()
	r.errs[n] = failed
	r.servers[n] = s
	r.ends[n] = func() { cancel(); <-ended }
}

// kill ends a member as kill -9 does.
func (r *trio) kill(n int) {
	r.net.end(n, true)
	r.disks[n] = r.disks[n].Kill()
	r.ends[n]()
	delete(r.servers, n)
	delete(r.ends, n)
}

// await waits until what is said is true.
func (r *trio) await(what string, ok func() bool) {
	r.Helper()
	for range 12_000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.Fatalf("waited a minute for %s", what)
}

// leader is the member that the running ones follow, or 0.
func (r *trio) leader() (leader int) {
	for n, s := range r.servers {
		role := s.node.Role()
		if !role.HasLeader || leader != 0 && role.Leader != leader || role.Leading && role.Leader != n {
			return 0
		}
		leader = role.Leader
	}
	if r.servers[leader] == nil {
		return 0
	}
	return leader
}

// settle waits until all that run serve under one leader, which expires sessions.
func (r *trio) settle() {
	r.Helper()
	r.await("a leader", func() bool {
		for _, s := range r.servers {
			if !s.serves() {
				return false
			}
		}
		n := r.leader()
		return n != 0 && r.servers[n].leadsSince() == r.servers[n].node.Role().Term
	})
}

// leadsSince is the term in which the server has the sessions' times.
func (s *Server) leadsSince() uint64 {
	l := s.replica.live
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term
}

// followers are the two members that do not lead.
func (r *trio) followers() (a, b int) {
	r.Helper()
	switch r.leader() {
	case 1:
		return 2, 3
	case 2:
		return 1, 3
	case 3:
		return 1, 2
	}
	r.Fatal("there is no leader")
	return 0, 0
}

// cut and mend are about the ways between two members, from the one to the other.
func (r *trio) cut(from, to int)  { r.net.setCut(true, [2]int{from, to}) }
func (r *trio) mend(from, to int) { r.net.setCut(false, [2]int{from, to}) }

// cutOff cuts all ways from and to a member but those of clients, and rejoin
// mends them.
func (r *trio) cutOff(n int) { r.net.setCut(true, waysOf(n)...) }
func (r *trio) rejoin(n int) { r.net.setCut(false, waysOf(n)...) }

// reset ends the connections of a member to the others: what is on its way is
// lost.
func (r *trio) reset(n int) {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	for c := range r.net.conns {
		if c.site == n && c.other.site != 0 {
			c.closeLocked()
		}
	}
	r.net.changedLocked()
}

func waysOf(n int) (ways [][2]int) {
	for m := 1; m <= 3; m++ {
		if m != n {
			ways = append(ways, [2]int{n, m}, [2]int{m, n})
		}
	}
	return ways
}

// has reports whether a member has a session.
func (r *trio) has(n int, id int64) bool {
	_, ok := r.servers[n].replica.session(session.ID(id))
	return ok
}

// A guest is a client that speaks the protocol by itself.
type guest struct {
	*trio
	wire.ConnectResponse
	nc     net.Conn
	br     *bufio.Reader
	xid    int32
	shown  int64 // zxid
	events []wire.WatcherEvent
}

// errRefused is the answer that a session is over, errSilent a close without one.
var (
	errRefused = errors.New("session refused")
	errSilent  = errors.New("closed without an answer")
)

// guest opens a session at a member.
func (r *trio) guest(n int, timeout time.Duration) *guest {
	r.Helper()
	g := &guest{trio: r}
	if err := g.greet(n, wire.ConnectRequest{TimeoutMillis: int32(timeout.Milliseconds()), Password: make([]byte, 16)}); err != nil {
		r.Fatalf("connect to member %d: %v", n, err)
	}
	return g
}

// greet dials a member and shakes hands. The connection of before is left open.
func (g *guest) greet(n int, q wire.ConnectRequest) error {
	nc, err := g.net.dial(context.Background(), 0, clientAddr(n))
	if err != nil {
		return err
	}
	g.nc, g.br = nc, bufio.NewReader(nc)
	g.Cleanup(func() { nc.Close() })
	b, start := wire.BeginFrame(nil)
	nc.Write(wire.EndFrame(q.Append(b), start))
	nc.SetReadDeadline(time.Now().Add(time.Minute))
	frame, err := wire.ReadFrame(g.br, nil, wire.MaxFrame)
	if err != nil {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	var a wire.ConnectResponse
	if err := wire.Decode(frame, &a); err != nil {
		return err
	}
	if a.SessionID == 0 {
		return errRefused
	}
	g.ConnectResponse = a
	return nil
}

// again is what a client says that comes back with its session.
func (g *guest) again() wire.ConnectRequest {
	return wire.ConnectRequest{LastZxidSeen: g.shown, TimeoutMillis: g.TimeoutMillis, SessionID: g.SessionID, Password: g.Password}
}

// move attaches the session at a member.
func (g *guest) move(n int) {
	g.Helper()
	if err := g.greet(n, g.again()); err != nil {
		g.Fatalf("move to member %d: %v", n, err)
	}
}

func (g *guest) send(xid int32, op wire.Op, body wire.Record) {
	b, start := wire.BeginFrame(nil)
	h := wire.RequestHeader{Xid: xid, Op: op}
	g.nc.Write(wire.EndFrame(body.Append(h.Append(b)), start))
}

// next reads a reply, notes events and passes over answers to pings.
func (g *guest) next(reply wire.Record) (wire.ReplyHeader, error) {
	for {
		g.nc.SetReadDeadline(time.Now().Add(time.Minute))
		frame, err := wire.ReadFrame(g.br, nil, wire.MaxFrame)
		if err != nil {
			return wire.ReplyHeader{}, err
		}
		d := wire.NewDecoder(frame)
		var h wire.ReplyHeader
		h.Decode(&d)
		if h.Xid == wire.XidWatch {
			var e wire.WatcherEvent
			e.Decode(&d)
			g.events = append(g.events, e)
			continue
		}
		if h.Zxid < g.shown {
			g.Errorf("zxid %#x was shown after %#x", h.Zxid, g.shown)
		}
		g.shown = max(g.shown, h.Zxid)
		if h.Xid == wire.XidPing {
			continue
		}
		if h.Err == wire.OK && reply != nil {
			reply.Decode(&d)
		}
		return h, d.Err()
	}
}

// do sends a request and returns the code of its answer.
func (g *guest) do(op wire.Op, body, reply wire.Record) wire.Code {
	g.Helper()
	g.xid++
	g.send(g.xid, op, body)
	h, err := g.next(reply)
	if err != nil {
		g.Fatalf("%v: %v", op, err)
	}
	if h.Xid != g.xid {
		g.Fatalf("%v: answer to request %d, want %d", op, h.Xid, g.xid)
	}
	return h.Err
}

func (g *guest) create(path string, flags int32) {
	g.Helper()
	acl := []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}}
	if code := g.do(wire.OpCreate, &wire.CreateRequest{Path: path, ACL: acl, Flags: flags}, nil); code != wire.OK {
		g.Fatalf("create %s: %v", path, code)
	}
}

func (g *guest) set(path, data string) {
	g.Helper()
	if code := g.do(wire.OpSetData, &wire.SetDataRequest{Path: path, Data: []byte(data), Version: -1}, nil); code != wire.OK {
		g.Fatalf("set %s: %v", path, code)
	}
}

func (g *guest) get(path string) string {
	g.Helper()
	var r wire.GetDataResponse
	if code := g.do(wire.OpGetData, &wire.PathWatchRequest{Path: path}, &r); code != wire.OK {
		g.Fatalf("get %s: %v", path, code)
	}
	return string(r.Data)
}

func (g *guest) exists(path string, watch bool) bool {
	g.Helper()
	return g.do(wire.OpExists, &wire.PathWatchRequest{Path: path, Watch: watch}, nil) == wire.OK
}

// ping says that the client lives. The answer is not waited for.
func (g *guest) ping() { g.send(wire.XidPing, wire.OpPing, &wire.Empty{}) }

// keepAlive pings until the function it returns is called.
func (g *guest) keepAlive(every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	g.Cleanup(cancel)
	go func() {
		for sleep(ctx, every); ctx.Err() == nil; sleep(ctx, every) {
			g.ping()
		}
	}()
	return cancel
}

// endsAfter returns how long it takes until the server closes the connection.
func (g *guest) endsAfter(limit time.Duration) (took time.Duration, ended bool) {
	begin := time.Now()
	for {
		g.nc.SetReadDeadline(begin.Add(limit))
		if _, err := wire.ReadFrame(g.br, nil, wire.MaxFrame); err != nil {
			var timeout net.Error
			return time.Since(begin), !(errors.As(err, &timeout) && timeout.Timeout())
		}
	}
}

// awaitGone returns how long it takes until a znode is gone for good.
func (g *guest) awaitGone(path string, limit time.Duration) time.Duration {
	g.Helper()
	begin := time.Now()
	for g.exists(path, false) {
		if time.Since(begin) > limit {
			g.Fatalf("%s is there after %v", path, limit)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin)
}

const ephemeral = wire.FlagEphemeral
