package zkserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

// Ensemble says with which other servers this one keeps the state. The zero
// value: with none.
type Ensemble struct {
	// Members are all members, this one included. The state survives, and is
	// served, as long as more than half of them can reach each other. All
	// members must have the same list.
	Members []Member

	// Number is that of this member.
	Number int

	// Listen is where the other members reach this one. Default: the Address of
	// this member. A name that does not resolve yet is tried again.
	Listen string

	// Listener is used in place of Listen when it is not nil. The Server
	// closes it.
	Listener net.Listener

	// Dial connects to another member. Default: TCP.
	Dial func(ctx context.Context, to Member) (net.Conn, error)
}

// A Member is one of the servers of an ensemble.
type Member struct {
	Number  int    // from 0 to 255, as in "server.N" and "myid"
	Address string // host:port where the other members reach it
}

// alone reports whether there are no other members.
func (e *Ensemble) alone() bool { return len(e.Members) == 0 }

// self is this member.
func (e *Ensemble) self() (Member, bool) {
	for _, m := range e.Members {
		if m.Number == e.Number {
			return m, true
		}
	}
	return Member{}, false
}

func (e *Ensemble) check() error {
	if e.alone() {
		return nil
	}
	if _, ok := e.self(); !ok {
		return fmt.Errorf("zkserver: this is member %d, which is not one of the members", e.Number)
	}
	for _, m := range e.Members {
		if _, _, err := net.SplitHostPort(m.Address); err != nil {
			return fmt.Errorf("zkserver: member %d: %q is no address like zk1:2888", m.Number, m.Address)
		}
	}
	return nil
}

// list gives the members as package ensemble has them.
func (e *Ensemble) list() []ensemble.Member {
	var list []ensemble.Member
	for _, m := range e.Members {
		list = append(list, ensemble.Member{Number: m.Number, Address: m.Address})
	}
	return list
}

// openPeers takes the address for the other members. The result is nil if there
// are none.
func (s *Server) openPeers() (ensemble.Transport, error) {
	e := &s.cfg.Ensemble
	if e.alone() {
		return nil, nil
	}
	if s.peers = e.Listener; s.peers == nil {
		self, _ := e.self()
		addr := self.Address
		if e.Listen != "" {
			addr = e.Listen
		}
		l, err := listenForPeers(addr, s.log.With().Int("member", e.Number).Logger())
		if err != nil {
			return nil, fmt.Errorf("zkserver: member %d: %w", e.Number, err)
		}
		s.peers = l
	}
	cfg := tcp.Config{Number: e.Number, Members: e.list(), Listener: s.peers, Log: s.log}
	if e.Dial != nil {
		cfg.Dial = func(ctx context.Context, to ensemble.Member) (net.Conn, error) {
			return e.Dial(ctx, Member{Number: to.Number, Address: to.Address})
		}
	}
	t, err := tcp.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("zkserver: %w", err)
	}
	return t, nil
}

// resolveAgain is how long to wait between tries to resolve a name.
const resolveAgain = time.Second

// listenForPeers takes an address. One whose name does not resolve yet, as in a
// cluster where names come with the machines, is taken when it does.
func listenForPeers(addr string, log zerolog.Logger) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if _, unresolved := errors.AsType[*net.DNSError](err); unresolved {
		log.Warn().Str("addr", addr).Err(err).Msg("own address does not resolve yet, will try again")
		return &lateListener{addr: addr, log: log, closed: make(chan struct{})}, nil
	}
	return l, err
}

// A lateListener listens as soon as its name resolves. It is for one goroutine
// that accepts and another that closes.
type lateListener struct {
	addr   string
	log    zerolog.Logger
	closed chan struct{}

	mu   sync.Mutex // protects the fields below
	l    net.Listener
	over bool
}

// Accept implements net.Listener.
func (l *lateListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.open()
		if err == nil {
			return inner.Accept()
		}
		if _, unresolved := errors.AsType[*net.DNSError](err); !unresolved {
			return nil, err
		}
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		case <-time.After(resolveAgain):
		}
	}
}

func (l *lateListener) open() (net.Listener, error) {
	l.mu.Lock()
	inner, over := l.l, l.over
	l.mu.Unlock()
	if inner != nil || over {
		return inner, closedIf(over)
	}
	inner, err := net.Listen("tcp", l.addr)
	if err != nil {
		return nil, err
	}
	l.log.Info().Str("addr", l.addr).Msg("own address resolves now")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return nil, errors.Join(net.ErrClosed, inner.Close())
	}
	l.l = inner
	return inner, nil
}

func closedIf(over bool) error {
	if over {
		return net.ErrClosed
	}
	return nil
}

// Close implements net.Listener.
func (l *lateListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return nil
	}
	l.over = true
	close(l.closed)
	if l.l != nil {
		return l.l.Close()
	}
	return nil
}

// Addr implements net.Listener. It is nil while there is none.
func (l *lateListener) Addr() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.l == nil {
		return nil
	}
	return l.l.Addr()
}
