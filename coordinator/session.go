package coordinator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/rs/zerolog"
)

// closeTime bounds how long Close tries to reach a server.
const closeTime = 900 * time.Millisecond

// Session is one session with the service: the ephemeral znodes it creates
// live as long as it does, over any number of connections. Once lost it is lost
// for ever; the caller connects anew.
//
// A Session owns goroutines from [Connect] until it is closed or lost: the
// library's, one that renews the lease, one per followed path and per watch.
// Its methods may be called by many goroutines.
type Session struct {
	cfg    Config
	log    zerolog.Logger
	dialer *dialer
	conn   *zk.Conn

	ctx    context.Context // ends when the session is given up
	cancel context.CancelCauseFunc
	done   chan struct{} // closed by finish when every goroutine has ended

	// confirmed says that the service has closed the session. Written by finish,
	// read after done.
	confirmed bool

	calls   chan struct{} // one token per request in flight
	renewed chan struct{} // sent to by keepLease, without waiting
	relink  chan struct{} // tells keepLease of a new connection; sent without waiting
	watches watches
	feeds   feeds

	mu        sync.Mutex // protects the fields below
	id        int64
	timeout   time.Duration // as granted
	lease     time.Time     // see Lease
	up        chan struct{} // closed while the session has a connection
	links     int           // connections so far
	fresh     chan struct{} // closed, and replaced, when a new connection has been synced
	freshLink int           // the connection for which fresh was closed last
	wg        sync.WaitGroup
	finishing bool // no new goroutine may start
}

// Connect opens a session. It blocks until a server grants one, until ctx ends
// or until ConnectTimeout: then the error is ErrNoServer with the addresses and
// the reason of the last attempt. That may be a moment later, up to two seconds if
// Config.Dial does not heed its context: nothing that was begun goes on afterwards.
func Connect(ctx context.Context, cfg Config) (*Session, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if limit := cfg.ConnectTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("gave up after %v", limit))
		defer cancel()
	}
	var pause Backoff
	for {
		s, err := open(ctx, cfg)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connect to %s: %w", strings.Join(cfg.Servers, ","), err)
		}
		cfg.Log.Debug().Err(err).Msg("session not opened")
		_ = pause.Wait(ctx)
	}
}

// open makes one attempt at a session, over as many connections as it takes.
func open(ctx context.Context, cfg Config) (*Session, error) {
	s := newSession(cfg)
	conn, events, err := zk.Connect(cfg.Servers, cfg.SessionTimeout,
		zk.WithDialer(s.dialer.dial), zk.WithHostProvider(s.dialer), zk.WithEventCallback(s.onEvent),
		zk.WithLogger(silent{}), zk.WithLogInfo(false), zk.WithMaxBufferSize(maxFrameBytes))
	if err != nil {
		return nil, err
	}
	s.conn = conn
	go s.finish(events)

	if err := s.awaitLink(ctx); err != nil {
		err = s.notConnected(ctx) // and not that we end a dial
		s.cancel(ErrClosed)
		s.dialer.kill()
		<-s.done // or a goroutine of ours outlives the call
		return nil, err
	}
	s.spawn(s.keepLease)
	time.Sleep(settleTime)
	if err := s.keepOneWatch(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	s.log.Debug().Str("session", s.name()).Msg("session opened")
	return s, nil
}

func newSession(cfg Config) *Session {
	s := &Session{
		cfg:     cfg,
		log:     cfg.Log,
		done:    make(chan struct{}),
		calls:   make(chan struct{}, maxCalls),
		renewed: make(chan struct{}, 1),
		relink:  make(chan struct{}, 1),
		timeout: cfg.SessionTimeout,
		up:      make(chan struct{}),
		fresh:   make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.dialer = newDialer(cfg, s.greeted)
	s.watches.init()
	s.feeds.init()
	return s
}

func (s *Session) notConnected(ctx context.Context) error {
	if err := s.dialer.err(); err != nil {
		return fmt.Errorf("%w: %w (%w)", ErrNoServer, err, context.Cause(ctx))
	}
	return fmt.Errorf("%w: no answer (%w)", ErrNoServer, context.Cause(ctx))
}

// ID returns the session's number, the EphemeralOwner of what it creates.
func (s *Session) ID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Timeout returns the session timeout the server granted.
func (s *Session) Timeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout
}

// Context ends when the session is lost, or may be because its lease has
// passed, with cause ErrSessionLost; or when it is closed, with ErrClosed.
func (s *Session) Context() context.Context { return s.ctx }

// Lease returns the time until which the service cannot have expired the
// session. It moves on with every answer of the service. When it passes, the
// session is given up.
func (s *Session) Lease() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lease
}

// Renewed signals that the lease has moved on. Signals not received are
// merged into one. It serves one receiver.
func (s *Session) Renewed() <-chan struct{} { return s.renewed }

// Close ends the session at the service, so that its ephemeral znodes go at
// once. It blocks for a second at most. The error is ErrUnknownOutcome when the
// service did not confirm: then they go when the session expires there. Closing
// a lost session only waits for its goroutines.
func (s *Session) Close() error {
	s.cancel(ErrClosed)
	lost := !errors.Is(context.Cause(s.ctx), ErrClosed)
	limit := time.NewTimer(closeTime + 50*time.Millisecond)
	defer limit.Stop()
	select {
	case <-s.done:
		if s.confirmed || lost {
			return nil
		}
	case <-limit.C:
		if lost {
			return nil
		}
	}
	return fmt.Errorf("close session %s: %w", s.name(), ErrUnknownOutcome)
}

func (s *Session) name() string { return sessionName(s.ID()) }

// sessionName gives a session's ID as ZooKeeper prints it.
func sessionName(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }

// lose gives the session up: nothing more is sent for it.
func (s *Session) lose(reason error) {
	s.dialer.kill()
	s.cancel(fmt.Errorf("%w: %w", ErrSessionLost, reason))
}

// finish waits for the end of the session, and then for that of its
// goroutines. Started by open.
func (s *Session) finish(events <-chan zk.Event) {
	defer close(s.done)
	<-s.ctx.Done()
	if cause := context.Cause(s.ctx); errors.Is(cause, ErrSessionLost) {
		s.log.Warn().Str("session", s.name()).Err(cause).Msg("session lost")
	}
	s.dialer.close(s.conn)
	for range events {
		// The library closes events when its own goroutines have ended.
	}
	s.confirmed = s.dialer.intact()
	s.dialer.kill()
	s.mu.Lock()
	s.finishing = true
	s.mu.Unlock()
	s.wg.Wait()
}

// spawn runs f in a goroutine that finish waits for. It does nothing when the
// session has ended and its goroutines were waited for.
func (s *Session) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finishing {
		return false
	}
	s.wg.Go(f)
	return true
}

// silent is a zk.Logger. What matters of the library's logging is known to the
// dialer and logged there.
type silent struct{}

func (silent) Printf(string, ...any) {}
