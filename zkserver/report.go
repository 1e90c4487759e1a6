package zkserver

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/session"
)

// A member that does not lead tells the leader which sessions it has heard from:
//
//	version 1B = 1 | for each session: id 8B | uvarint ms since it was heard from
//
// Integers are big-endian. A report may be lost; what was in it is then in the
// next.
const reportVersion = 1

// maxReports bounds the reports that wait for the expiry loop, in bytes.
const maxReports = 16 << 20

// A reporter knows what the leader has been told. The loop that reports owns it.
type reporter struct {
	term uint64 // the leader's

	// since is the time, on the server's clock, up to which the leader has
	// heard everything.
	since time.Duration

	sent []sentReport // newest last
}

// A sentReport has all that was heard from since up to start, in one or more
// parts. It has arrived when each of them has.
type sentReport struct {
	parts []*ensemble.Telling
	start time.Duration
}

// heardIn reports whether the leader of a term, or of a later one, is known to
// have heard each part of a report.
func heardIn(term uint64, parts []*ensemble.Telling) bool {
	for _, one := range parts {
		if heard := one.Term(); heard == 0 || heard < term {
			return false
		}
	}
	return true
}

// maxSent bounds the reports that may arrive yet. Of those that are forgotten it
// does not matter whether they do.
const maxSent = 64

// arrived looks up to which report the leader has heard. One that was sent before
// that, and is lost, has nothing that this one had not.
func (p *reporter) arrived() {
	for i := len(p.sent) - 1; i >= 0; i-- {
		if heardIn(p.term, p.sent[i].parts) {
			p.since = p.sent[i].start
			p.sent = p.sent[i+1:]
			return
		}
	}
}

// add notes a report that was sent.
func (p *reporter) add(parts []*ensemble.Telling, start time.Duration) {
	if len(p.sent) == maxSent {
		p.sent = p.sent[1:]
	}
	p.sent = append(p.sent, sentReport{parts, start})
}

// report tells the leader whom this member has heard from since the last report
// that has arrived. An empty one is sent, too: that it arrives says that this
// member is heard.
func (s *Server) report() {
	role, p := s.member.Role(), &s.reporter
	if role.Leading || !role.HasLeader {
		*p = reporter{}
		return
	}
	if p.term != role.Term {
		*p = reporter{term: role.Term} // who knows nothing yet
	}
	p.arrived()
	start := s.clock()
	p.add(s.tell(s.replica.heardSince(p.since, start, s.clockAt)), start)
}

// tell sends the leader a report, in as many parts as it needs.
func (s *Server) tell(signs []sign) (parts []*ensemble.Telling) {
	for _, b := range encodeReport(signs, ensemble.MaxTell) {
		parts = append(parts, s.member.Tell(b))
	}
	return parts
}

// A sign says how long ago, at most, a session was heard from.
type sign struct {
	session session.ID
	age     time.Duration
}

// heardSince lists the sessions of this member's connections that were heard from
// at since or later.
func (r *replica) heardSince(since, now time.Duration, at func(time.Duration) time.Time) []sign {
	type owner struct {
		session session.ID
		conn    *conn
	}
	var owners []owner
	r.mu.RLock()
	for id, c := range r.owners {
		owners = append(owners, owner{id, c})
	}
	r.live.mu.Lock()
	signs := r.live.departed(at(since), at(now))
	r.live.mu.Unlock()
	r.mu.RUnlock()
	for _, o := range owners {
		if heard := o.conn.lastHeard(now); heard >= since {
			signs = append(signs, sign{o.session, max(0, now-heard)})
		}
	}
	return signs
}

// keepLeft is how long it is remembered at most when a connection of before was
// heard from. No session lives longer without a sign.
const keepLeft = time.Hour

// departed lists the sessions that left at since or later, and forgets the
// others, of which the leader knows. l.mu is locked.
func (l *liveness) departed(since, now time.Time) (signs []sign) {
	for id, heard := range l.left {
		if age := now.Sub(heard); heard.Before(since) || age > keepLeft {
			delete(l.left, id)
		} else {
			signs = append(signs, sign{id, max(0, age)})
		}
	}
	return signs
}

// encodeReport gives reports of at most limit bytes each, and at least one.
func encodeReport(signs []sign, limit int) (reports [][]byte) {
	b := []byte{reportVersion}
	for _, one := range signs {
		if len(b)+8+binary.MaxVarintLen64 > limit {
			reports = append(reports, b)
			b = []byte{reportVersion}
		}
		b = binary.BigEndian.AppendUint64(b, uint64(one.session))
		b = binary.AppendUvarint(b, uint64(one.age.Milliseconds()))
	}
	return append(reports, b)
}

// decodeReport calls heard for each session in a report, up to what makes no
// sense. Other versions say nothing.
func decodeReport(b []byte, heard func(sign)) {
	if len(b) == 0 || b[0] != reportVersion {
		return
	}
	for b = b[1:]; len(b) > 8; {
		id := session.ID(binary.BigEndian.Uint64(b))
		ms, n := binary.Uvarint(b[8:])
		if n <= 0 || ms > uint64(keepLeft.Milliseconds()) {
			return
		}
		heard(sign{id, time.Duration(ms) * time.Millisecond})
		b = b[8+n:]
	}
}

// reports are those of other members that the expiry loop has not looked at yet.
type reports struct {
	mu      sync.Mutex // protects the fields below; locked inside liveness.mu
	waiting []heardReport
	bytes   int
}

type heardReport struct {
	term uint64
	at   time.Time
	b    []byte
}

// hear takes a report of another member, if there is room. It is answered if it
// has no session whose end is proposed: else it counts for the other sessions, and
// is made again. It is called on the raft loop.
func (s *Server) hear(_ int, term uint64, b []byte) bool {
	r, l := &s.reports, s.replica.live
	l.mu.Lock()
	defer l.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+len(b) > maxReports {
		return false
	}
	r.waiting = append(r.waiting, heardReport{term, time.Now(), b})
	r.bytes += len(b)
	good := true
	if len(l.ending) > 0 {
		decodeReport(b, func(g sign) { good = good && !l.endsLocked(term, g.session) })
	}
	return good
}

// takeReports has the tracker know whom other members have heard. live.mu is
// locked.
func (s *Server) takeReports() {
	r := &s.reports
	r.mu.Lock()
	waiting := r.waiting
	r.waiting, r.bytes = nil, 0
	r.mu.Unlock()

	l := s.replica.live
	for _, one := range waiting {
		if one.term == l.term {
			decodeReport(one.b, func(g sign) { l.tracker.Touch(g.session, one.at.Add(-g.age)) })
		}
	}
}
