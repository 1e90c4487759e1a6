package zkserver

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/session"
)

const (
	// expiryPeriod is how often the expiry loop looks at least, and so how well
	// it notices that it was late.
	expiryPeriod = 100 * time.Millisecond

	// confirmTime is how long the other members may take to confirm that this
	// one leads before overdue sessions are looked at again. If they take
	// longer than promptTime, their reports may be held up as well: then
	// another confirmation is needed, a period later.
	confirmTime = time.Second
	promptTime  = 20 * time.Millisecond
)

// liveness is the memory of who was heard from, which is not replicated: only the
// leader has it, and each one begins anew. A connection's frames only set its
// heard; the tracker learns of them when a session seems overdue or its connection
// ends. So a request costs one store. What other members hear they report.
type liveness struct {
	mu sync.Mutex // protects the fields below; locked inside replica.mu

	// term is the one this member leads in, 0 while others lead.
	//
	// Invariant: while it is not 0, tracker has the sessions of the table, but
	// for those whose end is proposed.
	term    uint64
	tracker *session.Tracker

	// ending has the sessions whose end was proposed in term, with the time of
	// that, until they are attached to again. A sync of theirs is not answered:
	// see confirm. Those that have ended stay for keepEnding, as a member may
	// ask for one that has not applied its end yet.
	ending map[session.ID]time.Time

	// left has the sessions whose connection here has ended, with the time of
	// its last frame, while others lead: see reporter.
	left map[session.ID]time.Time
}

func newLiveness() *liveness {
	return &liveness{
		tracker: session.NewTracker(),
		ending:  make(map[session.ID]time.Time),
		left:    make(map[session.ID]time.Time),
	}
}

// begin starts a term as leader, in which every session has its full time from
// then on. If it has begun already nothing happens.
func (l *liveness) begin(term uint64, t *session.Table, from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term == term {
		return
	}
	l.term, l.tracker = term, session.NewTracker()
	clear(l.ending)
	clear(l.left)
	for s := range t.All() {
		l.tracker.Add(s.ID, s.Timeout, from)
	}
}

// end forgets all, as others lead.
func (l *liveness) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term != 0 {
		l.term, l.tracker = 0, session.NewTracker()
		clear(l.ending)
	}
}

// add starts or restarts a session's time.
func (l *liveness) add(id session.ID, timeout time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term != 0 {
		l.tracker.Add(id, timeout, time.Now())
		delete(l.ending, id)
	}
}

func (l *liveness) remove(id session.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tracker.Remove(id)
	delete(l.left, id)
}

// keepEnding is how long it is remembered at least that a session's end was
// proposed, after it was. A report is not under way for longer.
const keepEnding = time.Minute

// ends reports whether this member has proposed the end of a session as the leader
// of the term, and the session has not been attached to since.
func (l *liveness) ends(term uint64, id session.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.endsLocked(term, id)
}

func (l *liveness) endsLocked(term uint64, id session.ID) bool {
	_, ok := l.ending[id]
	return ok && l.term == term
}

// leave notes that a session's connection here has ended, and when it was last
// heard from.
func (l *liveness) leave(id session.ID, heard time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term != 0 {
		l.tracker.Touch(id, heard)
	} else {
		l.left[id] = heard
	}
}

// expireLoop closes sessions whose clients are silent, while this member leads,
// until ctx ends.
//
//	new term   -> every session gets its full time, and a grace in which the
//	              other members report whom they hear
//	was late?  -> then clients may have been unheard because this process was:
//	              all sessions get their full time again
//	reports    -> those whom other members heard are alive
//	overdue    -> have a majority confirm that we lead; propose doExpire, which
//	              holds only in this term and while the session has not been
//	              attached to again
//
// A leader that has lost the majority gets no confirmation, so that its sessions
// do not expire for reports that cannot reach it.
func (s *Server) expireLoop(ctx context.Context) error {
	last := time.Now()
	s.lead(last)
	timer := time.NewTimer(expiryPeriod)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now := time.Now()
		late := now.Sub(last) - expiryPeriod
		last = now
		if s.lead(now) {
			if late > s.cfg.Tick {
				s.log.Warn().Dur("took", late).Msg("expiry was late, all sessions start anew")
				s.replica.live.regrant(now)
			}
			if err := s.expireOverdue(ctx, now); err != nil {
				return ended(ctx, err)
			}
		}
		timer.Reset(s.replica.live.next(time.Now()))
	}
}

// lead reports whether this member leads, by all it knows, and has the sessions'
// times.
func (s *Server) lead(now time.Time) bool {
	role := s.member.Role()
	if !role.Leading {
		s.replica.live.end()
		return false
	}
	grace := s.cfg.Tick
	if s.cfg.Ensemble.alone() {
		grace = 0
	}
	return s.replica.lead(role.Term, now.Add(grace))
}

// lead begins a term as leader once its first entry is applied: so all sessions
// are there that the one before knew of.
func (r *replica) lead(term uint64, from time.Time) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.term != term {
		return false
	}
	r.live.begin(term, r.sessions, from)
	return true
}

// expireOverdue proposes the end of sessions that nobody has heard from.
func (s *Server) expireOverdue(ctx context.Context, now time.Time) error {
	if len(s.silent(now, false)) == 0 {
		s.confirmed = false
		return nil
	}
	if ok, err := s.confirmLead(ctx); !ok {
		return err // if it is nil, the next look may be luckier, or find another leader
	}
	for _, cmd := range s.silent(now, true) {
		if err := s.expire(ctx, cmd); err != nil {
			return err
		}
	}
	return nil
}

// confirmLead has a majority say that this member leads, and reports whether it
// did so in a way that one can rely on its reports, too.
func (s *Server) confirmLead(ctx context.Context) (bool, error) {
	begin := time.Now()
	limit, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	err := s.member.ReadIndex(limit)
	if errors.Is(err, ensemble.ErrStopped) {
		return false, err
	}
	slow := err != nil || time.Since(begin) > promptTime
	confirmed := !slow || s.confirmed && err == nil
	s.confirmed = slow && err == nil && !confirmed
	return confirmed, nil
}

// expire proposes the end of a session. If the disk has no room for it the
// session's time starts anew.
func (s *Server) expire(ctx context.Context, cmd command) error {
	err := s.writes.Offer(ctx, ensemble.Proposal{Data: cmd.append(nil), Reserved: true})
	if errors.Is(err, ensemble.ErrDiskFull) {
		s.replica.live.add(cmd.session, cmd.timeout)
		return nil
	}
	return err
}

// expiredHere is told of each session that has expired on a proposal of this
// member's.
func (s *Server) expiredHere(id session.ID) {
	s.stats.expired.Add(1)
	s.expiries.Info().Str("session", hexID(id)).Msg("session expired")
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

// silent returns the commands that close the sessions that are overdue and, if
// take is set, takes those off the tracker: they are ending. What other members
// have reported counts, up to the moment from which their reports of such a
// session are not answered. A session whose command comes too
// late, because it was attached to again, is back on the tracker by then: attach
// adds it under the lock that is held here to read.
func (s *Server) silent(now time.Time, take bool) []command {
	r := s.replica
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.live.mu.Lock()
	defer r.live.mu.Unlock()
	s.takeReports()

	var cmds []command
	for id := range r.live.tracker.Expired(now) {
		one, ok := r.sessions.Get(id)
		if c := r.owners[id]; c != nil && ok {
			heard := s.clockAt(c.lastHeard(now.Sub(s.start)))
			if now.Sub(heard) < one.Timeout {
				r.live.tracker.Touch(id, heard)
				continue
			}
		}
		if take {
			r.live.tracker.Remove(id)
			r.live.ending[id] = now
		}
		if ok {
			cmds = append(cmds, command{kind: doExpire, session: id, attach: one.Attach, term: r.live.term, timeout: one.Timeout})
		}
	}
	if take {
		r.forgetEnded(now)
	}
	return cmds
}

// forgetEnded forgets which sessions ended long ago. r.mu is held to read, and
// live.mu.
func (r *replica) forgetEnded(now time.Time) {
	maps.DeleteFunc(r.live.ending, func(id session.ID, since time.Time) bool {
		_, lives := r.sessions.Get(id)
		return !lives && now.Sub(since) > keepEnding
	})
}

// lastHeard is when the connection was last heard from, on the server's clock.
// While it waits for the server its silence is not the client's fault.
func (c *conn) lastHeard(now time.Duration) time.Duration {
	if c.waiting.Load() > 0 {
		return now
	}
	return time.Duration(c.heard.Load())
}
