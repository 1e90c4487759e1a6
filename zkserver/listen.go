package zkserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// listen takes the port, or returns nil if there is to be none.
func listen(cfg Config) (net.Listener, error) {
	if cfg.TLS.Only {
		return nil, nil
	}
	if cfg.Listener != nil {
		return cfg.Listener, nil
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("zkserver: %w", err)
	}
	return l, nil
}

// openDoors takes the addresses but the first, and reads what TLS needs.
func (s *Server) openDoors() (err error) {
	t := &s.cfg.TLS
	if t.on() {
		if s.certs, err = t.open(s.log); err != nil {
			return err
		}
	}
	switch {
	case t.Listener != nil:
		s.tlsListener = t.Listener
	case t.Listen != "":
		if s.tlsListener, err = net.Listen("tcp", t.Listen); err != nil {
			return fmt.Errorf("zkserver: %w", err)
		}
	}
	return s.openSites()
}

// closeDoors lets go of all addresses.
func (s *Server) closeDoors() error {
	var errs []error
	if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.tlsListener != nil {
		errs = append(errs, s.tlsListener.Close())
	}
	if s.peers != nil {
		errs = append(errs, s.peers.Close())
	}
	for _, one := range s.sites {
		errs = append(errs, one.listener.Close())
	}
	return errors.Join(errs...)
}

// The pause after accept fails, for want of file descriptors most likely, grows
// from the first to the second.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// acceptLoop takes connections in until ctx ends, and returns when the last one
// is closed.
func (s *Server) acceptLoop(ctx context.Context) error {
	var conns, doors sync.WaitGroup
	defer close(s.parted)
	defer conns.Wait()
	if s.listener != nil {
		d := plainDoor
		if s.cfg.TLS.Unify {
			d = eitherDoor
		}
		doors.Go(func() { s.acceptAt(ctx, s.listener, d, &conns) })
	}
	if s.tlsListener != nil {
		doors.Go(func() { s.acceptAt(ctx, s.tlsListener, tlsDoor, &conns) })
	}
	doors.Wait()
	return nil
}

// acceptAt takes connections in at one listener until ctx ends.
func (s *Server) acceptAt(ctx context.Context, l net.Listener, d door, conns *sync.WaitGroup) {
	defer context.AfterFunc(ctx, func() { l.Close() })()

	pause := minAcceptPause
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return
		case errors.Is(err, net.ErrClosed):
			// Closed from outside: serve those who are here.
			s.log.Warn().Err(err).Msg("no more connections")
			<-ctx.Done()
			return
		case err != nil:
			s.log.Warn().Err(err).Dur("took", pause).Msg("accept paused")
			sleep(ctx, pause)
			pause = min(2*pause, maxAcceptPause)
			continue
		}
		pause = minAcceptPause
		s.admit(ctx, nc, d, conns)
	}
}

// admit starts serving a connection, or closes it when there are too many.
func (s *Server) admit(ctx context.Context, nc net.Conn, d door, conns *sync.WaitGroup) {
	addr := addrOf(nc)
	if !s.admission.enter(addr) {
		nc.Close()
		s.stats.rejected.Add(1)
		s.noisy.Warn().Stringer("peer", nc.RemoteAddr()).Msg("too many connections, connection refused")
		return
	}
	conns.Go(func() {
		defer s.admission.leave(addr)
		ready, err := s.enter(ctx, nc, d)
		if err != nil {
			s.noisy.Debug().Err(err).Stringer("peer", nc.RemoteAddr()).Msg("connection refused")
			return
		}
		newConn(s, ready, addr).run(ctx)
	})
}

// sleep returns after d or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
