package zkserver

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/session"
)

// expiryPeriod is how often the expiry loop looks at least, and so how well it
// notices that it was late.
const expiryPeriod = 100 * time.Millisecond

// liveness is the memory of who was heard from, which is not replicated. A
// connection's frames only set its heard; the tracker learns of them when a
// session seems overdue or its connection ends. So a request costs one store.
type liveness struct {
	mu      sync.Mutex // protects tracker; locked inside replica.mu
	tracker *session.Tracker
}

func newLiveness() *liveness { return &liveness{tracker: session.NewTracker()} }

// add starts or restarts a session's time.
func (l *liveness) add(id session.ID, timeout time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tracker.Add(id, timeout, time.Now())
}

func (l *liveness) remove(id session.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tracker.Remove(id)
}

func (l *liveness) touch(id session.ID, heard time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tracker.Touch(id, heard)
}

// expireLoop closes sessions whose clients are silent, until ctx ends.
//
//	wake       -> was it late? then the clients may have been unheard because
//	              this process was: all sessions get their full time again
//	full       -> cut off clients who take nothing of what waits for them, or
//	              do not finish the request they send
//	idle       -> let go of buffers
//	overdue    -> propose doExpire, which holds only while the session has not
//	              been attached to again
func (s *Server) expireLoop(ctx context.Context) error {
	s.replica.live.regrant(time.Now())
	last := time.Now()
	trimmed := last
	timer := time.NewTimer(expiryPeriod)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now := time.Now()
		if late := now.Sub(last) - expiryPeriod; late > s.cfg.Tick {
			s.log.Warn().Dur("took", late).Msg("expiry was late, all sessions start anew")
			s.replica.live.regrant(now)
		}
		last = now
		s.relieve()
		s.relieveInput()
		if now.Sub(trimmed) >= trimPeriod {
			s.trim()
			trimmed = now
		}
		for _, cmd := range s.replica.expired(now, s.clockAt) {
			if err := s.expire(ctx, cmd); err != nil {
				return ended(ctx, err)
			}
		}
		timer.Reset(s.replica.live.next(time.Now()))
	}
}

// expire proposes the end of a session. If the disk has no room for it the
// session's time starts anew.
func (s *Server) expire(ctx context.Context, cmd command) error {
	err := s.writes.Offer(ctx, ensemble.Proposal{Data: cmd.append(nil), Reserved: true})
	if errors.Is(err, ensemble.ErrDiskFull) {
		s.replica.live.add(cmd.session, cmd.timeout)
		return nil
	}
	if err == nil {
		s.stats.expired.Add(1)
		s.expiries.Info().Str("session", hexID(cmd.session)).Msg("session expired")
	}
	return err
}

// reset forgets all and starts the sessions of t.
func (l *liveness) reset(t *session.Table) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tracker = session.NewTracker()
	now := time.Now()
	for s := range t.All() {
		l.tracker.Add(s.ID, s.Timeout, now)
	}
}

// regrant gives every session its full timeout from now on.
func (l *liveness) regrant(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tracker.RegrantAll(now)
}

// next returns how long the expiry loop may sleep.
func (l *liveness) next(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	due, ok := l.tracker.Next()
	if !ok {
		return expiryPeriod
	}
	return min(max(due.Sub(now), time.Millisecond), expiryPeriod)
}

// expired takes the sessions that are overdue off the tracker and returns the
// commands that close them. A session whose command comes too late, because it
// was attached to again, is back on the tracker by then: attach adds it under
// the lock that is held here to read.
func (r *replica) expired(now time.Time, at func(time.Duration) time.Time) []command {
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.live.mu.Lock()
	defer r.live.mu.Unlock()

	var cmds []command
	for id := range r.live.tracker.Expired(now) {
		s, ok := r.sessions.Get(id)
		if c := r.owners[id]; c != nil && ok {
			heard := at(time.Duration(c.heard.Load()))
			if c.waiting.Load() > 0 {
				heard = now
			}
			if now.Sub(heard) < s.Timeout {
				r.live.tracker.Touch(id, heard)
				continue
			}
		}
		r.live.tracker.Remove(id)
		if ok {
			cmds = append(cmds, command{kind: doExpire, session: id, attach: s.Attach, timeout: s.Timeout})
		}
	}
	return cmds
}
