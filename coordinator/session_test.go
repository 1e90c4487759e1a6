package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// closedPort returns an address where nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func TestConnectSaysWhyThereIsNoServer(t *testing.T) {
	addr := closedPort(t)
	_, err := coordinator.Connect(t.Context(), coordinator.Config{Servers: []string{addr}, ConnectTimeout: 300 * time.Millisecond})
	if !errors.Is(err, coordinator.ErrNoServer) || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("err = %v, want ErrNoServer with the address and the reason", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := coordinator.Connect(ctx, coordinator.Config{Servers: []string{addr}}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want the context's, too", err)
	}
}

func TestCloseEndsEphemeralsAtOnce(t *testing.T) {
	v := newService(t)
	s, other := v.connect(t), v.connect(t)
	path := create(t, s, "/workers/w", coordinator.Ephemeral)
	began := time.Now()
	must(t, s.Close())
	if exists(t, other, path) {
		t.Error("the ephemeral znode is still there")
	}
	if took := time.Since(began); took > leeway {
		t.Errorf("Close took %v", took)
	}
	if err := ended(t, s.Context()); !errors.Is(err, coordinator.ErrClosed) {
		t.Errorf("cause = %v, want ErrClosed", err)
	}
	if _, err := s.Create(t.Context(), "/workers/x", nil, 0); !errors.Is(err, coordinator.ErrClosed) || errors.Is(err, coordinator.ErrUnknownOutcome) {
		t.Errorf("a write after Close = %v, want only ErrClosed", err)
	}
	must(t, s.Close())
}

func TestCloseIsBounded(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s := v.via(proxy).connect(t)
	proxy.SetMode(zktest.Silence)
	began := time.Now()
	if err := s.Close(); !errors.Is(err, coordinator.ErrUnknownOutcome) {
		t.Errorf("Close without an answer = %v, want ErrUnknownOutcome", err)
	}
	if took := time.Since(began); took > time.Second+leeway {
		t.Errorf("Close took %v, should take a second at most", took)
	}
}

// A connection is not a session: it may break without anybody noticing.
func TestSessionOutlivesItsConnections(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s := v.via(proxy).connect(t)
	path := create(t, s, "/workers/w", coordinator.Ephemeral)
	before := s.ID()
	for range 3 {
		proxy.Cut()
		if _, _, err := s.Get(within(t, time.Second), path); err != nil {
			t.Fatalf("a read after the cut: %v", err)
		}
	}
	if s.ID() != before || s.Context().Err() != nil {
		t.Errorf("session = %x, was %x: %v", s.ID(), before, context.Cause(s.Context()))
	}
}

func TestLeaseIsRenewed(t *testing.T) {
	s := newService(t).connectBriefly(t)
	if s.Timeout() != timeout {
		t.Fatalf("granted %v, want %v", s.Timeout(), timeout)
	}
	<-s.Renewed() // there may be one from before
	last := s.Lease()
	for range 3 {
		select {
		case <-s.Renewed():
		case <-time.After(timeout):
			t.Fatal("the lease is not renewed")
		}
		now := s.Lease()
		if !now.After(last) || time.Until(now) > timeout*6/10 {
			t.Errorf("lease moved from %v to %v", last, now)
		}
		last = now
	}
}

// The session is given up before the service can expire it, so that whoever
// comes next finds nobody still at work (E3).
func TestSilenceEndsTheSessionBeforeTheServiceDoes(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s, other := v.via(proxy).connectBriefly(t), v.connect(t)
	path := create(t, s, "/workers/w", coordinator.Ephemeral)

	proxy.SetMode(zktest.Silence)
	write := make(chan error, 1)
	go func() {
		_, err := s.Create(context.Background(), "/workers/x", nil, coordinator.Ephemeral)
		write <- err
	}()
	if err := ended(t, s.Context()); !errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("cause = %v, want ErrSessionLost", err)
	}
	if late := time.Since(s.Lease()); late > timeout/5 {
		t.Errorf("given up %v after the lease has passed", late)
	}
	if !exists(t, other, path) {
		t.Error("the service has expired the session already")
	}
	if err := <-write; !errors.Is(err, coordinator.ErrUnknownOutcome) || !errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("a write on its way = %v, want ErrUnknownOutcome and ErrSessionLost", err)
	}
	must(t, other.AwaitGone(within(t, 5*time.Second), path))
}

// The library would open a new session by itself and send there what was
// queued for the old one: 18 of 140 ephemeral creates (E4).
func TestNothingIsSentAfterTheEnd(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s, other := v.via(proxy).connectBriefly(t), v.connect(t)
	proxy.SetMode(zktest.Silence)
	writes := make(chan error)
	for range 40 {
		go func() {
			_, err := s.Create(context.Background(), "/workers/w-", nil, coordinator.EphemeralSequential)
			writes <- err
		}()
	}
	_ = ended(t, s.Context())
	proxy.Cut() // what is in the pipe is lost
	proxy.SetMode(zktest.Pass)
	for range 40 {
		if err := <-writes; !errors.Is(err, coordinator.ErrSessionLost) {
			t.Errorf("write = %v, want ErrSessionLost", err)
		}
	}
	if _, err := s.Create(t.Context(), "/workers/late", nil, coordinator.Ephemeral); !errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("a write after the end = %v", err)
	}
	ctx := within(t, 2*timeout)
	for state := range other.FollowChildren(ctx, "/workers") {
		if len(state.Names) > 0 {
			t.Fatalf("executed after the end: %q", state.Names)
		}
		if proxy.Conns() == 0 {
			break
		}
	}
}

// E1: the answer to a create is lost. The session and the znode are there; the
// error says that nobody knows.
func TestLostReplyIsUnknown(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s, other := v.via(proxy).connect(t), v.connect(t)
	follow := other.FollowChildren(within(t, 5*time.Second), "/tasks")
	<-follow

	proxy.SetMode(zktest.DropReplies)
	write := make(chan error, 1)
	go func() {
		_, err := s.Create(context.Background(), "/tasks/task-", nil, coordinator.Sequential)
		write <- err
	}()
	if state := <-follow; len(state.Names) != 1 {
		t.Fatalf("tasks = %q, want the one whose reply is lost", state.Names)
	}
	proxy.SetMode(zktest.Pass)
	proxy.Cut()
	if err := <-write; !errors.Is(err, coordinator.ErrUnknownOutcome) || errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("write = %v, want only ErrUnknownOutcome", err)
	}
	must(t, s.Sync(within(t, time.Second), "/"))
	if s.Context().Err() != nil {
		t.Error("the session is over")
	}
}

// E2: while there is no server, what is asked waits, and what gives up waiting
// knows that nothing was done.
func TestCallsWaitForAServer(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	s := v.via(proxy).connect(t)
	proxy.SetMode(zktest.Refuse)
	proxy.Cut()
	var path string
	for i := 0; ; i++ {
		path = fmt.Sprintf("/tasks/x%d", i)
		_, err := s.Create(within(t, 20*time.Millisecond), path, nil, coordinator.Persistent)
		if errors.Is(err, coordinator.ErrUnknownOutcome) {
			continue // the cut was not noticed yet
		}
		if !errors.Is(err, coordinator.ErrNoServer) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("write = %v, want ErrNoServer", err)
		}
		break
	}
	writes := make(chan error)
	go func() {
		_, err := s.Create(context.Background(), "/tasks/y", nil, coordinator.Persistent)
		writes <- err
	}()
	proxy.SetMode(zktest.Pass)
	if err := <-writes; err != nil {
		t.Errorf("a write that waited = %v", err)
	}
	if exists(t, s, path) {
		t.Error("a write that was not executed was")
	}
}

// E5: a member that hangs is left while the session is safe.
func TestSilentServerIsLeft(t *testing.T) {
	v := newService(t)
	one, two := zktest.NewProxy(t, v.addr), zktest.NewProxy(t, v.addr)
	cfg := v.config()
	cfg.Servers = []string{one.Addr(), two.Addr()}
	cfg.SessionTimeout = 2 * timeout
	s := connect(t, cfg)
	id := s.ID()
	if one.Conns() == 1 {
		one.SetMode(zktest.Silence)
	} else {
		two.SetMode(zktest.Silence)
	}
	began := time.Now()
	must(t, s.Sync(within(t, 5*time.Second), "/"))
	if s.ID() != id || s.Context().Err() != nil {
		t.Errorf("session lost: %v", context.Cause(s.Context()))
	}
	if took := time.Since(began); took > s.Timeout()*6/10 {
		t.Errorf("the silent server was left after %v", took)
	}
}

// E6 to E9: peers that hang in the handshake, or speak another protocol, do
// not keep a client from the server beside them.
func TestBadPeersAreLeft(t *testing.T) {
	tests := []struct {
		name string
		peer func(net.Conn)
	}{
		{"says nothing", func(net.Conn) {}},
		{"stops after the length", func(c net.Conn) { _, _ = c.Write([]byte{0, 0, 0, 37}) }},
		{"speaks HTTP", func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }},
		{"hangs up", func(c net.Conn) { _ = c.Close() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newService(t)
			cfg := v.brief()
			good := cfg.Servers[0]
			cfg.Servers = []string{"bad:1", good}
			var dials, bad atomic.Int32
			cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if dials.Add(1) == 1 { // whichever comes first is the bad one
					bad.Add(1)
					near, far := net.Pipe()
					t.Cleanup(func() { _ = far.Close() })
					go func() {
						_, _ = far.Read(make([]byte, 100))
						tt.peer(far)
					}()
					return near, nil
				}
				var d net.Dialer
				return d.DialContext(ctx, network, good)
			}
			began := time.Now()
			s := connect(t, cfg)
			if took := time.Since(began); took > 2*timeout || bad.Load() != 1 {
				t.Errorf("connected after %v, past %d bad peers", took, bad.Load())
			}
			must(t, s.Sync(t.Context(), "/"))
		})
	}
}

// E11: a server that has lost its data turns away whoever has seen more. The
// library would knock for ever; the session is lost, and the next one is fine.
func TestServerThatLostItsData(t *testing.T) {
	old, empty := zktest.NewServer(t), zktest.NewServer(t)
	var now atomic.Pointer[zktest.Server]
	now.Store(old)
	cfg := coordinator.Config{SessionTimeout: timeout, ConnectTimeout: 10 * time.Second,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return now.Load().Dial(ctx, network, addr)
		}}
	s := connect(t, cfg)
	create(t, s, "/tasks/x", coordinator.Persistent)
	now.Store(empty)
	old.Stop()
	if err := ended(t, s.Context()); !errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("cause = %v, want ErrSessionLost", err)
	}
	if exists(t, connect(t, cfg), "/tasks/x") {
		t.Error("not the empty server")
	}
}
