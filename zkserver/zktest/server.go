package zktest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A Server is a coordination server in the test's process, on a free port of the
// loopback or in memory. Its methods are for the goroutine of the test.
type Server struct {
	t   testing.TB
	cfg zkserver.Config
	ln  endpoint
	run *run // nil while stopped

	peers endpoint // for the other members of an [Ensemble]; nil for none
}

// A run is the time from a start of the server to its stop.
type run struct {
	server   *zkserver.Server
	conns    *tracker
	peers    *tracker           // nil for none
	stopping atomic.Bool        // errors of the server are of our own making
	cancel   context.CancelFunc // ends the server's context
	done     chan struct{}      // closed when the server's Run has returned
}

// NewServer starts a server on a temporary directory and stops it when the test
// ends. Each option may change its configuration before it starts: [InMemory] and
// [OnDisk] are options, and any func of the test is.
func NewServer(t testing.TB, options ...func(*zkserver.Config)) *Server {
	t.Helper()
	s := newServer(t, options)
	s.start()
	t.Cleanup(s.Stop)
	return s
}

// newServer makes a server that is not started yet.
func newServer(t testing.TB, options []func(*zkserver.Config)) *Server {
	t.Helper()
	s := &Server{t: t}
	for _, o := range options {
		o(&s.cfg)
	}
	if s.cfg.Dir == "" {
		s.cfg.Dir = t.TempDir()
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
	return s
}

// InMemory is an option for synctest bubbles: the server listens on a [Listener]
// and, unless another option says where, stores on a disk in memory.
func InMemory(cfg *zkserver.Config) {
	cfg.Listener = NewListener()
	if cfg.FS == nil {
		OnDisk(waltest.New(1))(cfg)
	}
}

// OnDisk returns an option that makes the server store on d, which the test can
// make fail. It allows [Server.PowerCut].
func OnDisk(d *waltest.Disk) func(*zkserver.Config) {
	return func(cfg *zkserver.Config) {
		cfg.FS, cfg.Dir = d, "/data"
		if cfg.SegmentBytes == 0 {
			cfg.SegmentBytes = 1 << 20 // two are allocated, here in memory
		}
	}
}

// Addr returns where the server listens, as "host:port". It stays the same over
// restarts.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Listener returns what clients of a server that is [InMemory] dial, and nil for
// one on a TCP port.
func (s *Server) Listener() *Listener {
	l, _ := s.ln.(*Listener)
	return l
}

// Dir returns the server's data directory.
func (s *Server) Dir() string { return s.cfg.Dir }

// Dial connects to the server, whatever the address says.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l := s.Listener(); l != nil {
		return l.Dial(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.Addr())
}

// Stop ends the server as abruptly as can be done to a part of a process. Its
// connections are cut first, so that nobody hears of it; on a disk in memory not
// a byte is written after that, as by kill -9, and on a real one the server
// may finish what it was writing. From then on connections are refused.
//
// Stopping a server that does not run does nothing.
func (s *Server) Stop() {
	s.t.Helper()
	s.end((*waltest.Disk).Kill)
}

// PowerCut ends the server like Stop, and its disk loses what was not synced. The
// server must have been made with [OnDisk] or [InMemory].
func (s *Server) PowerCut() {
	s.t.Helper()
	if _, ok := s.cfg.FS.(*waltest.Disk); !ok {
		s.t.Fatal("zktest: cut the power: the server is not on a waltest.Disk")
	}
	s.end((*waltest.Disk).PowerCut)
}

// Restart stops the server if it runs, and starts it again on the same data and
// address.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	for _, ln := range []endpoint{s.ln, s.peers} {
		if ln == nil {
			continue
		}
		if err := ln.Reopen(); err != nil {
			s.t.Fatalf("zktest: restart server: %v", err)
		}
	}
	s.start()
}

func (s *Server) start() {
	s.t.Helper()
	r := &run{conns: newTracker(s.ln), done: make(chan struct{})}
	cfg := s.cfg
	cfg.Listener = r.conns
	if s.peers != nil {
		r.peers = newTracker(s.peers)
		cfg.Ensemble.Listener = r.peers
	}
	server, err := zkserver.Open(cfg)
	if err != nil {
		s.t.Fatalf("zktest: start server: %v", err)
	}
	r.server = server
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { // ends with cancel
		defer close(r.done)
		if err := server.Run(ctx); err != nil && !r.stopping.Load() {
			s.t.Errorf("zktest: server: %v", err)
		}
	}()
	s.run = r
}

// end ends the run, with after giving the disk that the next one finds.
func (s *Server) end(after func(*waltest.Disk) *waltest.Disk) {
	if s.run == nil {
		return
	}
	s.run.stopping.Store(true)
	s.run.conns.cut()
	if s.run.peers != nil {
		s.run.peers.cut()
	}
	if d, ok := s.cfg.FS.(*waltest.Disk); ok {
		s.cfg.FS = after(d)
	}
	s.run.cancel()
	<-s.run.done
	s.run = nil
}
