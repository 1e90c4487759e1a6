package ensemble

import (
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

const (
	carryTicks = 10 // between two looks, unless the members have changed
	againLooks = 10 // until a step is proposed again

	// How many looks a wish waits for a new one to say hello, for one that is
	// silent, and for one that gets no further with the log.
	helloLooks  = 10
	silentLooks = 50
	lagLooks    = 300

	// leavingTicks is how long one that is no member any more may be silent and is
	// given the log yet. By then its clients have gone elsewhere.
	leavingTicks = 300

	// caughtUp is how many entries one may lack that is to get a vote.
	caughtUp = 64

	// swapLooks is for how many looks in a row a member must not be heard from
	// before one with an empty directory takes its place.
	swapLooks = 10
)

// A carrier is what the leader remembers of how the members change. The raft loop
// owns it.
type carrier struct {
	term  uint64
	since uint64 // tick at which it began to look

	seen  uint64 // the membership at the last look
	base  uint64 // the membership that a step was proposed for
	again int    // looks until that is done again

	wish   uint64 // the one that waits
	asking int    // looks at which somebody had not said hello
	missed int    // looks in a row at which somebody was missed
	best   uint64 // how far those are that it waits for
	looks  int    // since that has changed

	tried int // number that the last wish of the leader's own was for

	// silent counts, by number, the looks since a member was heard from while
	// another one with its number says hello.
	silent map[int]int
}

// carry does what there is to do for the members to be what is wished. It is
// called every tick.
func (l *loop) carry() {
	if !l.leading || l.peers.transport == nil {
		return
	}
	m, c := l.roster.get(), &l.carrier
	if c.term != l.term {
		*c = carrier{term: l.term, since: l.clock}
	}
	switch {
	case l.clock%carryTicks == 0:
		l.missWho()
	case c.seen == m.index:
		return
	}
	c.seen = m.index
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
	p := planFor(m, l.id.cluster, l, false)
	if m.wish.asked && !l.hasQuorum(p, true) {
		p = planFor(m, l.id.cluster, l, true)
	}
	c := &l.carrier
	if c.consider(m.wish); p.absent && c.asking < helloLooks {
		c.asking++
		return false
	}
	ready, silent, progress := l.areReady(m, p)
	if silent || !l.hasQuorum(p, m.wish.asked) {
		c.missed++
		return c.missed > silentLooks && l.abandon(m)
	}
	c.missed = 0
	switch {
	case len(p.fresh) > 0:
		return l.take(step{kind: stepLearners, base: m.index, servers: p.withLearners(m)}, p.learners(m))
	case !ready:
		return c.waited(progress, lagLooks) && l.abandon(m)
	}
	return l.take(step{kind: stepFinal, base: m.index, servers: p.withLeaving(m)}, p.final(m))
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
	l.log.Warn().Uint64("term", l.term).Msg("change of the members abandoned: a new one did not catch up, or there is no quorum")
	servers, cc := withoutJoining(m)
	return l.take(step{kind: stepAbandon, base: m.index, servers: servers}, cc)
}

// consider begins to look at a wish, if it is another one than before.
func (c *carrier) consider(w *wish) {
	if c.wish != w.id {
		c.wish, c.asking, c.missed, c.best, c.looks = w.id, 0, 0, 0, 0
	}
}

// waited reports whether the wish has waited for too many looks.
func (c *carrier) waited(progress uint64, limit int) bool {
	if progress > c.best {
		c.best, c.looks = progress, 0
	}
	c.looks++
	return c.looks > limit
}

// areReady reports whether those who are to get a vote have caught up, whether one
// of them is silent, and how far they are.
func (l *loop) areReady(m *membership, p plan) (ready, silent bool, progress uint64) {
	voters := slices.DeleteFunc(p.voters(), func(id uint64) bool { return id == 0 || slices.Contains(m.conf.GetVoters(), id) })
	there := 0
	l.raft.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if !slices.Contains(voters, id) {
			return
		}
		progress += pr.Match
		silent = silent || !l.heardLately(id)
	})
	for _, id := range voters {
		if l.has(id) {
			there++
		}
	}
	return there == len(voters), silent, progress
}

// has reports whether one, by raft's number, is there and lacks little of the log.
func (l *loop) has(id uint64) (has bool) {
	commit := l.raft.BasicStatus().HardState.GetCommit()
	l.raft.WithProgress(func(of uint64, _ raft.ProgressType, pr tracker.Progress) {
		if of == id {
			has = pr.Match+caughtUp >= commit && pr.State == tracker.StateReplicate && l.heardLately(id)
		}
	})
	return has
}

// hasQuorum reports whether a majority of those who are to vote is there. Those who
// are awaited are to, if it was asked for; a wish of the leader's own makes them fewer.
func (l *loop) hasQuorum(p plan, asked bool) bool {
	there, voters := 0, p.voters()
	if !asked {
		voters = slices.DeleteFunc(voters, func(id uint64) bool { return id == 0 })
	}
	for _, id := range voters {
		if id == l.peers.self || l.heardLately(id) || hasRaft(p.fresh, id) {
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

// heardLately reports whether a member, by raft's number, has sent anything in
// the last election timeout.
func (l *loop) heardLately(id uint64) bool {
	at, ok := l.heard[id]
	return ok && l.clock-at <= electionTicks
}

// lives reports whether a member, by raft's number, has sent anything in the last
// three seconds, or since this one leads if that is not as long.
func (l *loop) lives(id uint64) bool {
	return id == l.peers.self || l.clock-max(l.heard[id], l.carrier.since) <= leavingTicks
}

// settled reports whether we lead and have applied an entry of our term, so that
// what is committed is known.
func (l *loop) settled() bool { return l.leading && l.appliedTerm == l.term }
