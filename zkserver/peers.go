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
		if self.ElectionPort != 0 {
			s.log.Info().Int("member", e.Number).Int("port", self.ElectionPort).Msg("election port is not used, members elect on the port before it")
		}
	}
	cfg := tcp.Config{Number: e.Number, Members: e.list(), Listener: s.peers, Log: s.log}
	if e.Dial != nil {
		cfg.Dial = func(ctx context.Context, to ensemble.Member) (net.Conn, error) {
			return e.Dial(ctx, Member{Number: to.Number, Address: to.Address})
		}
	}
	if e.TLS.on() {
		if err := s.securePeers(&cfg); err != nil {
			return nil, err
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
	if err == nil {
		log.Info().Stringer("addr", l.Addr()).Msg("listening for the other members")
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
	l.log.Info().Stringer("addr", inner.Addr()).Msg("own address resolves now, listening for the other members")
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
