package coordinator

import (
	"context"
	"errors"

	"github.com/go-zookeeper/zk"
)

// standingWatch is a path that never exists. Watching it makes sure that the
// library renews at least one watch after every reconnect; see guard.
const standingWatch = "/zookeeper/mw-standing-watch"

var (
	errExpired  = errors.New("expired by the service")
	errImpostor = errors.New("the library opened another session")
)

// greeted is called on the library's goroutine when a server has answered the
// handshake, before the library acts on it.
func (s *Session) greeted(h handshake) {
	s.mu.Lock()
	known := s.id
	if known == 0 && h.session != 0 {
		s.id, s.timeout = h.session, h.timeout
		s.lease = h.sent.Add(leaseTime(h.timeout))
	}
	s.mu.Unlock()
	switch {
	case h.session == 0:
		s.lose(errExpired)
	case known != 0 && known != h.session:
		s.lose(errImpostor)
	}
}

// onEvent is called on the library's goroutines, some of which hold its locks:
// it must neither block nor call the library.
func (s *Session) onEvent(ev zk.Event) {
	if ev.Type != zk.EventSession {
		return
	}
	switch ev.State {
	case zk.StateHasSession:
		s.linked()
	case zk.StateDisconnected:
		s.unlinked()
	case zk.StateExpired:
		s.lose(errExpired)
	}
}

// linked notes that the session has a connection, and lets the calls go on.
func (s *Session) linked() {
	s.mu.Lock()
	s.links++
	if !isClosed(s.up) {
		close(s.up)
	}
	s.mu.Unlock()
	signal(s.relink)
}

// unlinked notes that the connection is gone, and makes the calls wait.
func (s *Session) unlinked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !isClosed(s.up) {
		return // a handshake that failed
	}
	s.up = make(chan struct{})
	if s.ctx.Err() == nil {
		s.log.Info().Str("session", sessionName(s.id)).Msg("connection lost")
	}
}

// link returns the channel that is closed while there is a connection, and the
// number of the connection.
func (s *Session) link() (up <-chan struct{}, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up, s.links
}

// synced notes that the service has answered a Sync sent over the connection
// with that number. If it is the first answer of a new connection, followers
// read afresh.
func (s *Session) synced(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number <= s.freshLink {
		return
	}
	if s.freshLink != 0 { // followers have read nothing before the first
		close(s.fresh)
		s.fresh = make(chan struct{})
	}
	s.freshLink = number
}

// refreshed returns a channel that is closed after the next reconnect, as soon
// as a read can be no older than what was seen before.
func (s *Session) refreshed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh
}

// awaitLink blocks until there is a connection.
func (s *Session) awaitLink(ctx context.Context) error {
	up, _ := s.link()
	if isClosed(up) {
		return nil
	}
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// keepOneWatch sets the standing watch, and sets it again should somebody
// make it fire. Where the service refuses it, the session does without.
func (s *Session) keepOneWatch(ctx context.Context) error {
	fired, err := s.setStandingWatch(ctx)
	if errors.Is(err, ErrNoAuth) || errors.Is(err, ErrRefused) || errors.Is(err, ErrTryLater) {
		return nil
	}
	if err != nil {
		return err
	}
	s.spawn(func() {
		for err == nil {
			<-fired // also when the library gives up all watches
			s.dialer.renews(false)
			var pause Backoff
			if pause.Wait(s.ctx) != nil {
				return
			}
			fired, err = s.setStandingWatch(s.ctx)
		}
	})
	return nil
}

func (s *Session) setStandingWatch(ctx context.Context) (<-chan zk.Event, error) {
	pause := firstRepeat()
	for {
		fired, kind, err := try(ctx, s, func(conn *zk.Conn) (<-chan zk.Event, error) {
			_, _, fired, err := conn.ExistsW(standingWatch)
			if err == nil {
				s.dialer.renews(true)
			}
			return fired, err
		})
		if err == nil || kind.answers() || kind == notNow {
			return fired, err
		}
		if s.pause(ctx, &pause) != nil {
			return nil, notSent(ctx, s)
		}
	}
}

// signal sends without waiting: the receiver merges signals.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
