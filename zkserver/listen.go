package zkserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// listen takes the port.
func listen(cfg Config) (net.Listener, error) {
	if cfg.Listener != nil {
		return cfg.Listener, nil
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("zkserver: %w", err)
	}
	return l, nil
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
	var conns sync.WaitGroup
	defer conns.Wait()
	defer context.AfterFunc(ctx, func() { s.listener.Close() })()

	pause := minAcceptPause
	for {
		nc, err := s.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			// Closed from outside: serve those who are here.
			s.log.Warn().Err(err).Msg("no more connections")
			<-ctx.Done()
			return nil
		case err != nil:
			s.log.Warn().Err(err).Dur("took", pause).Msg("accept paused")
			sleep(ctx, pause)
			pause = min(2*pause, maxAcceptPause)
			continue
		}
		pause = minAcceptPause
		s.admit(ctx, nc, &conns)
	}
}

// admit starts serving a connection, or closes it when there are too many.
func (s *Server) admit(ctx context.Context, nc net.Conn, conns *sync.WaitGroup) {
	addr := addrOf(nc)
	if !s.admission.enter(addr) {
		nc.Close()
		s.noisy.Warn().Stringer("peer", nc.RemoteAddr()).Msg("too many connections, connection refused")
		return
	}
	conns.Go(func() {
		defer s.admission.leave(addr)
		newConn(s, nc, addr).run(ctx)
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
