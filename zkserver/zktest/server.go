package zktest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver"
)

// A Server is a coordination server in the test's process, on its own temporary
// directory and on a free port of the loopback or in memory.
type Server struct {
	t   testing.TB
	cfg zkserver.Config
	ln  endpoint

	// These belong to the run that is going on; nil while stopped. Owned by
	// the goroutine of the test.
	conns *tracker
	stop  context.CancelFunc
	done  chan struct{} // closed when Run has returned
}

// NewServer starts a server and stops it when the test ends. Each option may
// change the server's configuration before it starts; [InMemory] is one.
func NewServer(t testing.TB, options ...func(*zkserver.Config)) *Server {
	t.Helper()
	s := &Server{t: t, cfg: zkserver.Config{Dir: t.TempDir()}}
	for _, o := range options {
		o(&s.cfg)
	}
	switch ln := s.cfg.Listener.(type) {
	case *Listener:
		s.ln = ln
	case nil:
		p, err := openPort()
		if err != nil {
			t.Fatalf("zktest: start server: %v", err)
		}
		t.Cleanup(p.release)
		s.ln = p
	default:
		t.Fatalf("zktest: start server: the listener is a %T, must be a *zktest.Listener", ln)
	}
	s.start()
	t.Cleanup(s.Stop)
	return s
}

// InMemory makes the server listen on a [Listener], for synctest bubbles.
func InMemory(cfg *zkserver.Config) { cfg.Listener = NewListener() }

// Addr returns where the server listens, as "host:port". It stays the same over
// restarts.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Dir returns the server's data directory.
func (s *Server) Dir() string { return s.cfg.Dir }

// Dial connects to the server, whatever the address says.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l, ok := s.ln.(*Listener); ok {
		return l.Dial(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.Addr())
}

// Stop ends the server as abruptly as can be done to a part of a process: its
// connections are cut first, so that nobody hears of it, and requests it was
// working on are lost or done, as it happens. From then on connections are
// refused.
func (s *Server) Stop() {
	s.t.Helper()
	if s.stop == nil {
		return
	}
	s.conns.cut()
	s.stop()
	<-s.done
	s.conns, s.stop, s.done = nil, nil, nil
}

// Restart stops the server if it runs, and starts it again on the same directory
// and address.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	if err := s.ln.Reopen(); err != nil {
		s.t.Fatalf("zktest: restart server: %v", err)
	}
	s.start()
}

func (s *Server) start() {
	s.t.Helper()
	conns := &tracker{Listener: s.ln, open: map[*trackedConn]struct{}{}}
	cfg := s.cfg
	cfg.Listener = conns
	server, err := zkserver.Open(cfg)
	if err != nil {
		s.t.Fatalf("zktest: start server: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		if err := server.Run(ctx); err != nil && ctx.Err() == nil {
			s.t.Errorf("zktest: server: %v", err)
		}
	}()
	s.conns, s.stop, s.done = conns, stop, done
}

// A tracker is a listener that can cut the connections it accepted.
type tracker struct {
	net.Listener

	mu    sync.Mutex // protects the fields below
	open  map[*trackedConn]struct{}
	isCut bool
}

func (t *tracker) Accept() (net.Conn, error) {
	nc, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &trackedConn{Conn: nc, t: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.isCut {
		nc.Close()
		return nil, net.ErrClosed
	}
	t.open[c] = struct{}{}
	return c, nil
}

// cut closes the listener and every connection.
func (t *tracker) cut() {
	t.Listener.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.isCut = true
	for c := range t.open {
		c.Conn.Close()
	}
	clear(t.open)
}

type trackedConn struct {
	net.Conn
	t *tracker
}

func (c *trackedConn) Close() error {
	c.t.mu.Lock()
	delete(c.t.open, c)
	c.t.mu.Unlock()
	return c.Conn.Close()
}
