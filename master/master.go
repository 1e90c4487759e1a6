package master

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// Master is one candidate for being master. Run several: one leads, the others
// stand by.
type Master struct {
	cfg      Config
	log      zerolog.Logger
	listener net.Listener

	// advertised is the listener's address as others can use it: the data of
	// /master.
	advertised string

	// views carries requests for the board's view from the HTTP server to
	// whichever loop owns the board. Unbuffered; each request has room for its
	// one answer.
	views chan chan<- View
}

// New takes the port of the HTTP server. The caller must call Run, which gives
// it back. The error says which setting is wrong or what port is taken.
func New(cfg Config) (*Master, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := cfg.Listener
	if l == nil {
		if l, err = net.Listen("tcp", cfg.Listen); err != nil {
			return nil, fmt.Errorf("master: listen on %s: %w", cfg.Listen, err)
		}
	}
	return &Master{
		cfg:        cfg,
		log:        cfg.Log.With().Str("role", "master").Logger(),
		listener:   l,
		advertised: coordinator.Advertise(l.Addr()),
		views:      make(chan chan<- View),
	}, nil
}

// Addr is where the master serves HTTP.
func (m *Master) Addr() net.Addr { return m.listener.Addr() }

// Run campaigns, leads and stands by, over as many sessions as it takes, until
// ctx ends. Then it finishes the writes it has begun, resigns so that a standby
// takes over at once, and returns nil. Any other return is an error that trying
// again would not mend. It may be called once.
func (m *Master) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	server := m.serve(&wg, stop)
	defer server.Close()

	var pause coordinator.Backoff
	for {
		began := time.Now()
		s, err := coordinator.Connect(ctx, m.cfg.Coordinator)
		if err == nil {
			err = m.over(ctx, s)
		}
		switch {
		case errors.Is(context.Cause(ctx), errServe):
			return context.Cause(ctx)
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("master: %w", err)
		}
		if time.Since(began) > shortSession {
			pause.Reset()
		}
		_ = pause.Wait(ctx) // ctx's end ends Connect, too
	}
}

// shortSession is how long a session must have lasted for the next to be begun
// after the shortest pause. Between shorter ones the pauses grow.
const shortSession = 10 * time.Second

// over works over one session, and closes it. It returns nil when there is
// reason to go on with another.
func (m *Master) over(ctx context.Context, s *coordinator.Session) error {
	err := m.work(ctx, s)
	lost := s.Context().Err()
	if closing := s.Close(); closing != nil {
		m.log.Debug().Err(closing).Msg("session not closed")
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case lost != nil, errors.Is(err, errNewSession), errors.Is(err, coordinator.ErrTryLater):
		m.log.Warn().Str("session", fmt.Sprintf("0x%x", uint64(s.ID()))).Err(err).Msg("session over, starting anew")
		return nil
	}
	return err
}

// errNewSession asks for a new session: the state of this one is unclear.
var errNewSession = errors.New("master: session given up")
