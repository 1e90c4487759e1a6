package ensemble

import (
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A Change is how a wish of the machine's for other members has ended.
type Change struct {
	ID  uint64 // that Reconfigure gave
	Err error  // nil, or ErrNoQuorum: then the members are what they were
}

// Reconfigure wishes for other members. The machine may call it while it applies
// the batch, and does so on every member alike. The leader carries the wish out:
// new members get the log first, and a vote when they have caught up. How it has
// ended a later batch says, with the ID. ErrReconfiguring, ErrMembers and ErrAlone
// say that there is no such wish. One that is not there is a member all the same, and
// gets its vote when it has come. Members that stay keep their data, whatever
// their address; an empty Spec is the machine's own affair.
func (b Batch) Reconfigure(members []Member) (id uint64, err error) {
	if b.applier == nil {
		return 0, ErrAlone
	}
	return b.applier.wish(members)
}

// Membership gives the members as the machine has been told them, nil for a
// server that runs alone, and whether a change of them is under way that Reconfigure
// would be refused for. As Reconfigure it is for the machine, while it applies the
// batch.
func (b Batch) Membership() (members []Member, changing bool) {
	if b.applier == nil {
		return nil, false
	}
	m := b.applier.roster.get()
	return m.members(), m.busy(true)
}

// wish is Reconfigure, of the batch being applied.
func (a *applier) wish(members []Member) (uint64, error) {
	next, err := a.roster.get().begin(a.index, members, true)
	if err != nil {
		return 0, err
	}
	a.roster.set(next)
	return a.index, nil
}

// applyNotice applies an entry about the members. One of another term is void.
func (a *applier) applyNotice(e *pb.Entry) error {
	n, err := decodeNotice(e.GetData())
	if err != nil || n.term != e.GetTerm() {
		return err
	}
	m := a.roster.get()
	switch n.kind {
	case noticeClaim:
		a.enter(m.claim(a.index, n.number, n.directory), nil)
		a.log.Info().Int("member", n.number).Msg("member joins for the first time")
	case noticeAdopt:
		if next, ok := m.adopt(a.index, n.servers); ok {
			a.enter(next, nil)
			a.show(Batch{Members: next.members()})
		}
	case noticeWant:
		if next, err := m.want(a.index, n.servers, false); err == nil && n.base == m.index {
			a.roster.set(next)
		}
	case noticeVersion:
		if next, ok := m.raise(a.index, n.base, n.version); ok {
			if err := a.understands(next); err != nil {
				return err
			}
			a.enter(next, nil)
		}
	case noticeStep:
		if next, out, ok := m.take(a.index, n.step, nil); ok {
			a.enter(next, nil)
			a.tell(m, next, out)
		}
	}
	return nil
}

// applyChange applies an entry that changes raft's membership, unless it is void.
func (a *applier) applyChange(e *pb.Entry) error {
	cc, st, err := decodeChange(e)
	if err != nil {
		return err
	}
	m := a.roster.get()
	next, out, ok := m, (*outcome)(nil), false
	if st == nil {
		next, out, ok = m.leave(a.index, cc)
	} else {
		next, out, ok = m.take(a.index, *st, cc)
	}
	if ok {
		a.enter(next, e)
		a.tell(m, next, out)
	}
	return nil
}

// enter takes a new membership.
func (a *applier) enter(next *membership, cc *pb.Entry) {
	m := a.roster.get()
	a.roster.set(next)
	if hasLeft(next, a.roster.self) && !hasLeft(m, a.roster.self) {
		a.log.Warn().Msg("removed from the ensemble: this member serves its clients until it is stopped")
	}
	if cc != nil && adds(m.conf, next.conf) && a.snapshots.storage != nil {
		a.snapshots.storage.require(a.index)
		a.snapshots.owed = a.index
	}
	if a.changed != nil {
		a.changed(next, cc)
	}
}

// hasLeft reports whether one, by raft's number, is a member no more, and gets the log.
func hasLeft(m *membership, raft uint64) bool {
	return !m.joint() && slices.ContainsFunc(m.servers, func(s server) bool { return s.raft == raft && s.standing == leaving })
}

// adds reports whether somebody is in a raft membership who was not before.
func adds(was, is *pb.ConfState) bool {
	before := slices.Concat(was.GetVoters(), was.GetLearners(), was.GetVotersOutgoing())
	for _, id := range slices.Concat(is.GetVoters(), is.GetLearners()) {
		if !slices.Contains(before, id) {
			return true
		}
	}
	return false
}

// tell has the machine hear of members that have changed, and of how its wish has
// ended.
func (a *applier) tell(was, is *membership, out *outcome) {
	if out == nil {
		return
	}
	b := Batch{Members: is.members()}
	if out.wish.asked {
		b.Change = &Change{ID: out.wish.id, Err: out.err}
	} else if slices.Equal(was.members(), b.Members) {
		return
	}
	a.show(b)
}

// changeMembers has raft take a change that was applied.
func (l *loop) changeMembers(e *pb.Entry) {
	cc, _, err := decodeChange(e)
	if err != nil {
		panic(err) // it was decoded before
	}
	l.belong(l.raft.ApplyConfChange(cc))
}

// belong notes what we are in raft's membership.
func (l *loop) belong(conf *pb.ConfState) {
	was := l.member
	l.single = slices.Equal(conf.GetVoters(), []uint64{l.peers.self}) && len(conf.GetVotersOutgoing()) == 0
	l.member = isIn(conf, l.peers.self)
	if was && !l.member {
		l.remove("a change of the members")
	}
	l.publish()
}

func isIn(conf *pb.ConfState, id uint64) bool {
	return slices.Contains(conf.GetVoters(), id) || slices.Contains(conf.GetLearners(), id) ||
		slices.Contains(conf.GetVotersOutgoing(), id)
}

// givesVote reports whether an entry gives somebody a vote.
func givesVote(e *pb.Entry) bool {
	if e.GetType() == pb.EntryNormal {
		return false
	}
	cc, _, err := decodeChange(e)
	return err == nil && slices.ContainsFunc(cc.GetChanges(), func(c *pb.ConfChangeSingle) bool { return c.GetType() == pb.ConfChangeAddNode })
}

// hearOfRemoval takes the word of another member that we are none any more.
func (l *loop) hearOfRemoval(from int, why string) {
	if !l.leading {
		l.remove(why)
	}
}

// remove makes us deaf and dumb: who is no member asks for no votes, and gives
// none but to who takes it for a member. One that does not know yet that it is
// none may need that vote.
func (l *loop) remove(why string) {
	if l.removed {
		return
	}
	l.removed = true
	l.log.Error().Str("op", why).Msg("removed from the ensemble: this member no longer takes part")
}

// neverCounted reports whether we have only been let in, for all that is known
// here: by the log as far as it was when the process started, at least.
func (l *loop) neverCounted() bool {
	return l.reads.applied >= l.replayed && !l.roster.counted.Load()
}

// takenBack reports whether a message shows that we are a member again.
func (l *loop) takenBack(m *pb.Message) bool {
	switch m.GetType() {
	case pb.MsgApp, pb.MsgSnap, pb.MsgHeartbeat:
		if m.GetTerm() < l.term {
			return false
		}
		l.removed = false
		l.roster.rejected.Store(false)
		l.log.Info().Msg("a member again")
		return true
	}
	return false
}
