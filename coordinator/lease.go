package coordinator

import (
	"errors"
	"fmt"
	"time"
)

// errNoAnswer ends a session whose lease has passed.
var errNoAnswer = errors.New("no answer from the service")

// leaseTime is how long after sending a probe that was answered the session is
// safe. The service's leader counts from when it last heard of the session; a
// follower of Apache ZooKeeper passes on what it heard only with its next ping, so
// the leader may be T/3 and a tick behind. That leaves 0.6 T. (One of mw answers a
// sync only when the leader has heard of the session.)
func leaseTime(timeout time.Duration) time.Duration { return timeout * 6 / 10 }

// A lease says until when the service cannot have expired a session, and when
// to ask it again. It holds no clock: the caller passes the time in.
//
// The times carry Go's monotonic reading, so that setting the clock does not
// move them. (That reading stands still while the machine is suspended. Writes
// are fenced all the same.)
type lease struct {
	timeout time.Duration
	until   time.Time
	next    time.Time // when to send the next probe
	sent    time.Time // of the probe that is not answered yet; zero: none
	cut     bool      // the connection was cut for not answering it
}

// over says whether the lease has passed.
func (l *lease) over(now time.Time) bool { return !now.Before(l.until) }

// due says whether to send a probe.
func (l *lease) due(now time.Time) bool { return l.sent.IsZero() && !now.Before(l.next) }

// probing notes that a probe is sent.
func (l *lease) probing(now time.Time) {
	l.sent, l.cut = now, false
	l.next = now.Add(l.timeout / 6)
}

// answered notes the end of the probe.
func (l *lease) answered(now time.Time, err error) {
	if err == nil {
		l.until = l.sent.Add(leaseTime(l.timeout))
	} else {
		l.next = now.Add(l.timeout / 24)
	}
	l.sent = time.Time{}
}

// silent says, once per probe, whether it has waited so long that another
// server should be tried while there is time.
func (l *lease) silent(now time.Time) bool {
	if l.sent.IsZero() || l.cut || now.Before(l.sent.Add(l.timeout/4)) {
		return false
	}
	l.cut = true
	return true
}

// wake says when something is to be done next.
func (l *lease) wake() time.Time {
	at := l.until
	switch {
	case l.sent.IsZero() && l.next.Before(at):
		at = l.next
	case !l.sent.IsZero() && !l.cut && l.sent.Add(l.timeout/4).Before(at):
		at = l.sent.Add(l.timeout / 4)
	}
	return at
}

// keepLease renews the lease until the session ends, and ends the session when
// the lease passes. Started by open.
//
//	new connection -> probe at once
//	timer          -> give up, probe, or leave a silent server
//	answer         -> renew
func (s *Session) keepLease() {
	l := lease{timeout: s.Timeout(), until: s.Lease()}
	timer := time.NewTimer(0)
	defer timer.Stop()
	answers := make(chan error, 1)
	var link int // over which the probe was sent
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.relink:
			l.next = time.Now()
		case <-timer.C:
		case err := <-answers:
			if now := time.Now(); !l.over(now) { // or the end may have been decided before the probe came
				l.answered(now, err)
				s.probed(l.until, link, err)
			}
		}
		now := time.Now()
		if l.over(now) {
			s.lose(fmt.Errorf("%w for %v", errNoAnswer, leaseTime(l.timeout)))
			return
		}
		switch up, number := s.link(); {
		case !l.due(now):
		case isClosed(up):
			link = number
			l.probing(now)
			s.spawn(func() { answers <- s.probe() })
		default:
			l.next = l.until // relink will tell
		}
		if l.silent(now) && len(s.cfg.Servers) > 1 {
			s.dialer.cut()
		}
		timer.Reset(time.Until(l.wake()))
	}
}

// probe asks the leader. It does not wait for its turn among the calls.
func (s *Session) probe() error {
	_, err := s.conn.Sync("/")
	if kind, err := translate(err); kind == sessionOver {
		s.lose(err)
	}
	return err
}

// probed makes the outcome of a probe known.
func (s *Session) probed(until time.Time, link int, err error) {
	if err != nil {
		return
	}
	s.mu.Lock()
	s.lease = until
	s.mu.Unlock()
	s.synced(link)
	signal(s.renewed)
}
