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
// after it was called, or was elected after it. So their clients may rely on it
// that no session ends before its timeout has passed since a sync was sent that
// was answered in time. Of reads and pings, which a follower answers by itself,
// that is not so: see standing.
//
// The ReadIndex says which leader a majority followed after the call, and the role
// afterwards has that term or a later one. A leader of that term who has heard the
// report knows of the sessions; those of later terms give every session all of its
// time. Either one alone does not do: the two go by different connections, and a
// leader that is deposed without knowing it hears reports.
func (s *Server) confirm(ctx context.Context, conns []*conn) error {
	var told []*ensemble.Telling
	if !s.member.Role().Leading {
		told = s.tell(s.signsOf(conns))
	}
	if err := s.member.ReadIndex(ctx); err != nil {
		return err
	}
	again, wait := time.NewTimer(tellAgain), tellAgain
	defer again.Stop()
	changed := s.member.RoleChanged()
	for first := s.member.Role(); ; {
		if s.member.Role().Leading || told != nil && heardIn(first.Term, told) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-unanswered(told):
			continue
		case <-changed:
			changed = s.member.RoleChanged()
		case <-again.C:
			wait = min(2*wait, maxTellAgain)
			again.Reset(wait)
		}
		told = s.tell(s.signsOf(conns))
	}
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

// signsOf says when the clients of connections were heard from.
func (s *Server) signsOf(conns []*conn) []sign {
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
