package zkserver

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// syncs has the leader confirm sync requests and, with
// [Config].LinearizableReads, reads. All that come while one confirmation is under
// way share the next.
type syncs struct {
	wake chan struct{} // has room for one; sent to by add, received by run

	mu      sync.Mutex // protects waiting, and conn.unconfirmed of all connections
	waiting []*conn    // each once
}

func newSyncs() *syncs { return &syncs{wake: make(chan struct{}, 1)} }

// sync queues a sync, or a read that is to be as good as one: it is answered when
// it is the oldest, all that was committed when it came is applied here, and the
// leader knows that the client lives. See confirm.
func (c *conn) sync(xid int32, o *op, body []byte) error {
	r := request{xid: xid, stage: syncing, op: o, body: slices.Clone(body), size: len(body), since: c.srv.clock()}
	if err := c.enqueue(r); err != nil {
		return err
	}
	c.srv.syncs.add(c)
	return nil
}

func (s *syncs) add(c *conn) {
	s.mu.Lock()
	if c.unconfirmed++; c.unconfirmed == 1 {
		s.waiting = append(s.waiting, c)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run serves syncs until ctx ends or confirm fails.
func (s *syncs) run(ctx context.Context, confirm func(context.Context, []*conn) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		conns, requests := s.take()
		if err := confirm(ctx, conns); err != nil {
			return ended(ctx, fmt.Errorf("sync: %w", err))
		}
		for i, c := range conns {
			c.synced(requests[i])
		}
	}
}

// take gives the connections that wait, and how many requests of each do.
func (s *syncs) take() (conns []*conn, requests []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns, s.waiting = s.waiting, nil
	for _, c := range conns {
		requests = append(requests, c.unconfirmed)
		c.unconfirmed = 0
	}
	return conns, requests
}

// A report that is not answered is lost, or the link is slow: it is made again
// after tellAgain, and then after twice as long each time.
const (
	tellAgain    = 300 * time.Millisecond
	maxTellAgain = 5 * time.Second
)

// confirm returns when what was committed anywhere before the call is applied
// here, and when whoever leads has heard of the sessions of these connections
// after it was called. So their clients may rely on it that no session ends before
// its timeout has passed since a sync was sent that was answered in time. Of reads
// and pings, which a follower answers by itself, that is not so: see standing.
//
// All of it is of one term: this member was in it before the ReadIndex and is in
// it afterwards, so that a majority followed its leader after the call, and what
// leaders before it had proposed is applied here. That leader answers no report of a
// session whose end it has proposed; later ones give every session all of its time.
// The report alone does not do: a leader that is deposed without knowing it hears
// reports, too. In another term all begins anew.
func (s *Server) confirm(ctx context.Context, conns []*conn) error {
	for {
		was := s.member.Role()
		var told []*ensemble.Telling
		if !was.Leading {
			told = s.tell(s.signsOf(conns))
		}
		if err := s.member.ReadIndex(ctx); err != nil {
			return err
		}
		if ok, err := s.awaitHeard(ctx, was.Term, conns, told); ok || err != nil {
			return err
		}
	}
}

// awaitHeard returns when the leader of the term has heard the report, of which
// told are the parts, and makes it again until then. It reports false when the term
// is over.
func (s *Server) awaitHeard(ctx context.Context, term uint64, conns []*conn, told []*ensemble.Telling) (bool, error) {
	again, wait := time.NewTimer(tellAgain), tellAgain
	defer again.Stop()
	for {
		changed := s.member.RoleChanged()
		switch role := s.member.Role(); {
		case role.Term != term, answeredAfter(term, told):
			return false, nil
		case role.Leading:
			s.closeEnding(term, conns)
			return true, nil
		case told != nil && heardIn(term, told):
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-unanswered(told):
			continue
		case <-changed:
		case <-again.C:
			wait = min(2*wait, maxTellAgain)
			again.Reset(wait)
		}
		told = s.tell(s.signsOf(conns))
	}
}

// closeEnding closes those connections whose session's end this member has
// proposed: its client is told what came of it when it comes back.
func (s *Server) closeEnding(term uint64, conns []*conn) {
	for _, c := range conns {
		if s.replica.live.ends(term, c.session) {
			c.close(errSessionOver)
		}
	}
}

// answeredAfter reports whether the leader of a later term has heard a part.
func answeredAfter(term uint64, parts []*ensemble.Telling) bool {
	return slices.ContainsFunc(parts, func(one *ensemble.Telling) bool { return one.Term() > term })
}

// unanswered is closed when one of the parts, which has not been, is answered. It
// is nil if each has been.
func unanswered(parts []*ensemble.Telling) <-chan struct{} {
	for _, one := range parts {
		if one.Term() == 0 {
			return one.Answered()
		}
	}
	return nil
}

// signsOf says when the clients of connections were heard from. Those whose session
// is over, or somewhere else, are left out: the leader answers no report of them, and
// the syncs of others must not wait for that.
func (s *Server) signsOf(conns []*conn) []sign {
	s.replica.mu.RLock()
	conns = slices.DeleteFunc(slices.Clone(conns), func(c *conn) bool { return s.replica.owners[c.session] != c })
	s.replica.mu.RUnlock()
	now := s.clock()
	signs := make([]sign, len(conns))
	for i, c := range conns {
		signs[i] = sign{c.session, max(0, now-c.lastHeard(now))}
	}
	return signs
}

// synced has the oldest requests answered that wait for a confirmation.
func (c *conn) synced(requests int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.synced(requests)
	c.work.Signal()
}
