package ensemble

import (
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

const (
	carryTicks = 10 // between two looks
	againLooks = 10 // until a step is proposed again

	// How many looks a wish waits for one that does not come, and for one that
	// gets no further with the log.
	absentLooks = 50
	lagLooks    = 300

	// caughtUp is how many entries one may lack that is to get a vote.
	caughtUp = 64

	// swapLooks is for how many looks in a row a member must not be heard from
	// before one with an empty directory takes its place.
	swapLooks = 10
)

// A carrier is what the leader remembers of how the members change. The raft loop
// owns it.
type carrier struct {
	term uint64

	base  uint64 // the membership that a step was proposed for
	again int    // looks until that is done again

	wish  uint64 // the one that waits
	best  uint64 // how far those are that it waits for
	looks int    // since that has changed

	// silent counts, by number, the looks since a member was heard from while
	// another one with its number says hello.
	silent map[int]int
}

// carry does what there is to do for the members to be what is wished. It is
// called every tick.
func (l *loop) carry() {
	if l.clock%carryTicks != 0 || !l.leading || l.peers.transport == nil {
		return
	}
	m, c := l.roster.get(), &l.carrier
	if c.term != l.term {
		*c = carrier{term: l.term}
	}
	l.missWho()
	if c.base == m.index && c.again > 0 {
		c.again--
		return
	}
	if l.handOver.age > 0 || l.inFlight >= maxInFlight || !l.settled() {
		return
	}
	if l.nextStep(m) {
		c.base, c.again = m.index, againLooks
	}
}

// nextStep proposes the next step, and reports whether there is one.
func (l *loop) nextStep(m *membership) bool {
	switch {
	case m.joint() && !slices.Contains(m.conf.GetVoters(), l.peers.self):
		return l.giveWay(m)
	case m.joint() && !m.conf.GetAutoLeave():
		return l.raft.ProposeConfChange(&pb.ConfChangeV2{}) == nil
	case m.joint(): // raft leaves it by itself, but not if it was handing over the lead
		return l.carrier.base != m.index || l.raft.ProposeConfChange(&pb.ConfChangeV2{}) == nil
	case len(m.servers) == 0:
		return l.note(notice{kind: noticeAdopt, servers: l.adoptees()})
	case m.wish == nil:
		target := l.ownWish(m)
		return target != nil && l.note(notice{kind: noticeWant, base: m.index, servers: target})
	}
	p := planFor(m, l.id.cluster, l.applicant)
	if len(p.absent) > 0 {
		return l.waited(m, 0, absentLooks) && l.abandon(m)
	}
	if len(p.fresh) > 0 {
		return l.take(step{kind: stepLearners, base: m.index, servers: p.withLearners(m)}, p.learners())
	}
	switch ready, silent, progress := l.areReady(m, p); {
	case silent:
		return l.waited(m, progress, absentLooks) && l.abandon(m)
	case !ready:
		return l.waited(m, progress, lagLooks) && l.abandon(m)
	case !l.hasQuorum(p):
		return l.waited(m, progress, absentLooks) && l.abandon(m)
	}
	return l.take(step{kind: stepFinal, base: m.index, servers: p.withLeaving(m)}, p.final(m.conf))
}

// take proposes a step, with the change of raft's that goes with it.
func (l *loop) take(st step, cc *pb.ConfChangeV2) bool {
	if cc == nil {
		return l.note(notice{kind: noticeStep, step: st})
	}
	cc.Context = st.append(nil)
	return l.raft.ProposeConfChange(cc) == nil
}

// abandon ends a wish that cannot be carried out.
func (l *loop) abandon(m *membership) bool {
	l.log.Warn().Uint64("term", l.term).Msg("change of the members abandoned: a new one did not come or did not catch up, or there is no quorum")
	servers, cc := withoutJoining(m)
	return l.take(step{kind: stepAbandon, base: m.index, servers: servers}, cc)
}

// waited reports whether a wish has waited for too many looks.
func (l *loop) waited(m *membership, progress uint64, limit int) bool {
	c := &l.carrier
	if c.wish != m.wish.id || progress > c.best {
		c.wish, c.best, c.looks = m.wish.id, progress, 0
	}
	c.looks++
	return c.looks > limit
}

// areReady reports whether those who are to get a vote have caught up, whether one
// of them is silent, and how far they are.
func (l *loop) areReady(m *membership, p plan) (ready, silent bool, progress uint64) {
	commit := l.raft.BasicStatus().HardState.GetCommit()
	voters := slices.DeleteFunc(p.voters(), func(id uint64) bool { return slices.Contains(m.conf.GetVoters(), id) })
	there := 0
	l.raft.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if !slices.Contains(voters, id) {
			return
		}
		progress += pr.Match
		silent = silent || !l.heardLately(id)
		if pr.Match+caughtUp >= commit && pr.State == tracker.StateReplicate && l.heardLately(id) {
			there++
		}
	})
	return there == len(voters), silent, progress
}

// hasQuorum reports whether a majority of those who are to vote is there.
func (l *loop) hasQuorum(p plan) bool {
	there, voters := 0, p.voters()
	for _, id := range voters {
		if id == l.peers.self || l.heardLately(id) {
			there++
		}
	}
	return there > len(voters)/2
}

// giveWay has one lead who stays. Until then the joint state is not left: when it
// is, those who stay must know it, since nobody else may be there any more.
func (l *loop) giveWay(m *membership) bool {
	to, best := uint64(0), uint64(0)
	l.raft.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if slices.Contains(m.conf.GetVoters(), id) && l.heardLately(id) && pr.Match > best {
			to, best = id, pr.Match
		}
	})
	if to == 0 {
		return false
	}
	l.raft.TransferLeader(to)
	return true
}

// missWho looks for members that have fallen silent while one with their number
// and an empty directory says hello.
func (l *loop) missWho() {
	c := &l.carrier
	for number := range c.silent {
		if _, ok := l.applicant(number); !ok {
			delete(c.silent, number)
		}
	}
	for number := range l.applicants {
		if v, ok := l.applicant(number); !ok || !v.blank() || l.active(number) {
			delete(c.silent, number)
			continue
		}
		if c.silent == nil {
			c.silent = make(map[int]int)
		}
		c.silent[number]++
	}
}

// ownWish is what the leader wishes itself: that one who was awaited is a member,
// or that one takes the place of what it was before it lost its directory. It is
// nil if there is nothing to wish.
func (l *loop) ownWish(m *membership) []server {
	for _, s := range m.servers {
		v, ok := l.applicant(s.number)
		switch {
		case !ok || knownMember(m, s.number, v.directory):
			continue
		case s.standing == awaited:
			s.standing = voter
		case s.counts() && v.blank() && s.raft != l.peers.self && l.carrier.silent[s.number] >= swapLooks:
			l.log.Warn().Int("member", s.number).Msg("member has lost its data directory and takes its own place as a new one")
		default:
			continue
		}
		s.directory, s.raft = v.directory, v.memberID(l.id.cluster, s.number)
		return replaced(m.servers, s)
	}
	return nil
}

// replaced is servers with another one of that number.
func replaced(servers []server, s server) []server {
	servers = slices.DeleteFunc(slices.Clone(servers), func(is server) bool { return is.number == s.number })
	servers = append(servers, s)
	sortServers(servers)
	return servers
}

// adoptees are the members of a server that ran alone: itself, and those it was
// configured with, who are awaited.
func (l *loop) adoptees() []server {
	var servers []server
	for _, c := range l.peers.configured {
		s := server{number: c.Number, address: c.Address, spec: c.Spec, standing: awaited}
		if c.Number == l.id.number {
			s.standing, s.raft, s.directory = voter, l.id.member, l.id.directory
		}
		servers = append(servers, s)
	}
	sortServers(servers)
	return servers
}

// heardLately reports whether a member, by raft's number, has sent anything in
// the last election timeout.
func (l *loop) heardLately(id uint64) bool {
	at, ok := l.heard[id]
	return ok && l.clock-at <= electionTicks
}

// settled reports whether we lead and have applied an entry of our term, so that
// what is committed is known.
func (l *loop) settled() bool { return l.leading && l.appliedTerm == l.term }
