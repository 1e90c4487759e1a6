package zktest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// An Ensemble is several coordination servers in the test's process that keep
// one state. Each is a [Server], to be stopped and started again by itself. Its
// methods are for the goroutine of the test.
type Ensemble struct {
	t       testing.TB
	servers []*Server
}

// NewEnsemble starts n servers that are one service, and stops them when the test
// ends. Options are as for [NewServer] and are called for each server. It does
// not wait until there is a leader: clients do, and so does [Ensemble.Leader].
func NewEnsemble(t testing.TB, n int, options ...func(*zkserver.Config)) *Ensemble {
	t.Helper()
	e := &Ensemble{t: t}
	var members []zkserver.Member
	for i := range n {
		s := newServer(t, options)
		if d, ok := s.cfg.FS.(*waltest.Disk); ok && i > 0 && d == e.servers[0].cfg.FS {
			t.Fatal("zktest: start ensemble: all servers have the same disk: the option must make one at each call")
		}
		s.openPeers(i + 1)
		members = append(members, zkserver.Member{Number: i + 1, Address: s.peers.Addr().String()})
		e.servers = append(e.servers, s)
	}
	for i, s := range e.servers {
		s.cfg.Ensemble.Number, s.cfg.Ensemble.Members, s.cfg.Ensemble.Dial = i+1, members, e.dialPeer
		s.start()
		t.Cleanup(s.Stop)
	}
	return e
}

// openPeers makes the address for the other members.
func (s *Server) openPeers(number int) {
	s.t.Helper()
	if s.Listener() != nil {
		l := NewListener()
		l.addr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(number)), Port: 2888}
		s.peers = l
		return
	}
	p, err := openPort()
	if err != nil {
		s.t.Fatalf("zktest: start ensemble: %v", err)
	}
	s.t.Cleanup(p.release)
	s.peers = p
}

// dialPeer connects one member to another: it need not be one of the servers, once a
// reconfig has named others.
func (e *Ensemble) dialPeer(ctx context.Context, to zkserver.Member) (net.Conn, error) {
	if _, bubble := e.servers[0].peers.(*Listener); bubble {
		for _, s := range e.servers {
			if l := s.peers.(*Listener); l.addr.String() == to.Address {
				return l.Dial(ctx, "tcp", to.Address)
			}
		}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.Address)
}

// Servers returns the servers: the first is member 1.
func (e *Ensemble) Servers() []*Server { return e.servers }

// Addrs returns where the servers listen for clients, each as "host:port".
func (e *Ensemble) Addrs() []string {
	var addrs []string
	for _, s := range e.servers {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// Addr returns the connection string: the addresses with commas between.
func (e *Ensemble) Addr() string { return strings.Join(e.Addrs(), ",") }

// leaderTime bounds the wait for a leader: it takes a second or less, unless the
// machine is very busy.
const leaderTime = time.Minute

// Leader waits until one of the servers that run leads and all of them have
// found it, and returns it. It fails the test when that takes a minute.
func (e *Ensemble) Leader() *Server {
	e.t.Helper()
	for end := time.Now().Add(leaderTime); ; <-time.After(5 * time.Millisecond) {
		if s := e.leader(); s != nil {
			return s
		}
		if time.Now().After(end) {
			e.t.Fatalf("zktest: no leader within %v: %s", leaderTime, e.modes())
		}
	}
}

// leader is the one that all who run agree on, or nil.
func (e *Ensemble) leader() (leader *Server) {
	for _, s := range e.servers {
		if s.run == nil {
			continue
		}
		switch r := s.run.server.Report(0); {
		case !r.Serving:
			return nil
		case r.Mode == "leader" && leader != nil:
			return nil // one of them does not know yet
		case r.Mode == "leader":
			leader = s
		}
	}
	return leader
}

func (e *Ensemble) modes() string {
	var modes []string
	for i, s := range e.servers {
		mode := "stopped"
		if s.run != nil {
			r := s.run.server.Report(0)
			mode = fmt.Sprintf("%s (serving: %t)", r.Mode, r.Serving)
		}
		modes = append(modes, fmt.Sprintf("member %d is %s", i+1, mode))
	}
	return strings.Join(modes, ", ")
}
