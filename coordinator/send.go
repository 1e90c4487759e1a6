package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

// errOverdue: the answer to a call did not come though the session lives on.
var errOverdue = errors.New("no answer in time")

// send makes one call of the library, which can block for ever and knows no
// context: in a goroutine of its own, with a deadline, and only while there is a
// connection, so that what was never sent has a definite answer.
//
// The error is our own, see translate: ErrUnknownOutcome if the call was begun
// and its answer was lost; the cause of ctx or of the session's end if it was
// not begun.
func send[T any](ctx context.Context, s *Session, f func(*zk.Conn) (T, error)) (T, error) {
	v, _, err := try(ctx, s, f)
	return v, err
}

// read is send for a call that changes nothing: it is repeated until it is
// answered, as long as ctx and the session live. "Try later" is no answer.
func read[T any](ctx context.Context, s *Session, f func(*zk.Conn) (T, error)) (T, error) {
	pause := firstRepeat()
	for {
		v, kind, err := try(ctx, s, f)
		if err == nil || kind.answers() {
			return v, err
		}
		if s.pause(ctx, &pause) != nil {
			var none T
			return none, notSent(ctx, s)
		}
	}
}

// firstRepeat paces the repetition of a read: mostly it is the link that one
// waits for.
func firstRepeat() Backoff { return Backoff{First: time.Millisecond} }

// try is send, and tells the class of the error.
func try[T any](ctx context.Context, s *Session, f func(*zk.Conn) (T, error)) (T, class, error) {
	var none T
	if err := s.admit(ctx); err != nil {
		return none, notExecuted, err
	}
	var v T
	var err error
	answered := make(chan struct{}) // closed when v and err are set
	if !s.spawn(func() {
		defer close(answered)
		v, err = f(s.conn)
		<-s.calls
	}) {
		return none, notExecuted, context.Cause(s.ctx)
	}
	if reason := s.patience(ctx, answered); reason != nil {
		return none, unknown, fmt.Errorf("%w: %w", ErrUnknownOutcome, reason)
	}
	if kind, err := s.judge(err); err != nil {
		return none, kind, err
	}
	return v, definite, nil
}

// patience waits for a call to be answered. The error says why it was not.
func (s *Session) patience(ctx context.Context, answered <-chan struct{}) error {
	overdue := time.NewTimer(2 * s.Timeout())
	defer overdue.Stop()
	var reason error
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		reason = context.Cause(ctx)
	case <-s.ctx.Done():
		reason = context.Cause(s.ctx)
	case <-overdue.C:
		reason = errOverdue
	}
	if isClosed(answered) { // just in time
		return nil
	}
	return reason
}

// judge translates the answer to a call, and ends the session if the server
// says that it is over.
func (s *Session) judge(err error) (class, error) {
	kind, err := translate(err)
	if kind == sessionOver {
		s.lose(err)
	}
	if err != nil && s.dialer.killed() {
		<-s.ctx.Done() // it ends right after the dialer
	}
	if kind == unknown && s.ctx.Err() != nil {
		err = fmt.Errorf("%w (%w)", err, context.Cause(s.ctx))
	}
	if kind == notExecuted && s.ctx.Err() != nil {
		err = context.Cause(s.ctx)
	}
	return kind, err
}

// admit waits for a connection and for a place among the calls in flight. When
// it returns an error, nothing was sent.
func (s *Session) admit(ctx context.Context) error {
	for {
		if err := s.awaitLink(ctx); err != nil {
			return notSent(ctx, s)
		}
		select {
		case s.calls <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
		if err := s.stillOurs(ctx); err != nil {
			<-s.calls
			return err
		}
		if up, _ := s.link(); isClosed(up) {
			return nil
		}
		<-s.calls // the connection was lost while we waited
	}
}

// stillOurs checks the clock: after a pause of the whole process the lease may
// have passed before any timer could fire.
func (s *Session) stillOurs(ctx context.Context) error {
	if !time.Now().Before(s.Lease()) {
		s.lose(fmt.Errorf("%w for %v", errNoAnswer, leaseTime(s.Timeout())))
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// notSent says why a call was not begun: the session has ended, or the
// caller's patience has; and if so, whether for want of a server.
func notSent(ctx context.Context, s *Session) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if up, _ := s.link(); isClosed(up) {
		return context.Cause(ctx)
	}
	return s.notConnected(ctx)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
