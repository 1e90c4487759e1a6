package ensemble

import (
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A plan is how a wish is carried out, with the directories that are known.
type plan struct {
	target  []server // all that are wished; those who are not there are awaited
	absent  bool     // one of them has not said hello, and was not awaited before
	fresh   []server // of target: those that do not get the log yet
	besides []server // who get the log, have no vote, and are not among target
}

// A crowd is who is there, to the leader.
type crowd interface {
	applicant(number int) (applicant, bool) // the one who is no member and says hello
	lives(raft uint64) bool                 // a member, by raft's number
	has(raft uint64) bool                   // one that gets the log, nearly all of it
}

// planFor makes a plan for the wish of a membership. Those who were awaited before are
// left alone until they have caught up, which may take long, unless all are to help
// that are there.
func planFor(m *membership, cluster uint64, there crowd, all bool) plan {
	var p plan
	for _, s := range m.wish.target {
		is, before := s.standing.here()
		comer, joins := m.joins(s.number)
		if s.raft == 0 && (all || !before || joins && there.has(comer.raft)) {
			s.directory, s.raft = whoHas(m, cluster, s.number, there)
			if s.standing = is; s.raft == 0 {
				s.standing, p.absent = is.awaited(), p.absent || !before
			}
		}
		if s.raft != 0 && !hasRaft(m.servers, s.raft) {
			p.fresh = append(p.fresh, s)
		}
		p.target = append(p.target, s)
	}
	for _, s := range m.servers {
		at := slices.IndexFunc(p.target, func(is server) bool { return is.number == s.number })
		switch {
		case s.raft == 0:
		case at >= 0 && p.target[at].raft != 0: // members are reached by number: it may not have two
		case s.standing == joining && at >= 0, s.standing != joining && there.lives(s.raft):
			p.besides = append(p.besides, s)
		}
	}
	return p
}

func hasRaft(servers []server, raft uint64) bool {
	return slices.ContainsFunc(servers, func(s server) bool { return s.raft == raft })
}

// whoHas gives the directory, and raft's number, of one who is to have a number: who
// joins with it already, who says hello with a new directory, who had it and is still
// there, or else who had it before and says hello. They are 0 if there is nobody.
func whoHas(m *membership, cluster uint64, number int, there crowd) (directory, raft uint64) {
	v, ok := there.applicant(number)
	for _, is := range m.servers {
		if is.number != number {
			continue
		}
		stays := is.standing == leaving && there.lives(is.raft) && (!ok || !v.blank())
		if is.standing == joining || stays {
			return is.directory, is.raft
		}
	}
	if !ok {
		return 0, 0
	}
	return v.directory, v.memberID(cluster, number)
}

// withLearners is the servers with the fresh ones, who have no vote, and without
// those whose numbers they have, if these were members once.
func (p *plan) withLearners(m *membership) []server {
	servers := slices.DeleteFunc(slices.Clone(m.servers), p.displaced)
	for _, s := range p.fresh {
		s.standing = joining
		servers = append(servers, s)
	}
	sortServers(servers)
	return servers
}

// displaced reports whether one that was a member once has to go, since a fresh one
// has its number.
func (p *plan) displaced(s server) bool {
	return s.standing == leaving && slices.ContainsFunc(p.fresh, func(is server) bool { return is.number == s.number })
}

// learners is what raft has to change for the fresh ones.
func (p *plan) learners(m *membership) *pb.ConfChangeV2 {
	cc := &pb.ConfChangeV2{}
	for _, s := range m.servers {
		if p.displaced(s) {
			cc.Changes = append(cc.Changes, single(pb.ConfChangeRemoveNode, s.raft))
		}
	}
	for _, s := range p.fresh {
		cc.Changes = append(cc.Changes, single(pb.ConfChangeAddLearnerNode, s.raft))
	}
	return cc
}

// withLeaving is what is wished, with those who are to have no vote any more. Who was
// only let in, for a wish that was not carried out, has never been a member: it goes on
// joining, if it is awaited.
func (p *plan) withLeaving(m *membership) []server {
	servers := slices.Clone(p.target)
	for _, s := range m.servers {
		if s.raft == 0 || hasRaft(p.target, s.raft) {
			continue
		}
		if s.standing != joining {
			s.standing = leaving
		}
		if s.standing == leaving || hasRaft(p.besides, s.raft) {
			servers = append(servers, s)
		}
	}
	sortServers(servers)
	return servers
}

// final is what raft has to change for the members to be what is wished: nil if
// nothing. The leader says when the joint state is left. A wish of its own, which it
// survives, needs none for a single change, and so keeps nobody else waiting.
func (p *plan) final(m *membership) *pb.ConfChangeV2 {
	conf, cc := m.conf, &pb.ConfChangeV2{}
	stays := make(map[uint64]bool)
	for _, s := range p.target {
		stays[s.raft] = true
		switch {
		case s.standing == voter && !slices.Contains(conf.GetVoters(), s.raft):
			cc.Changes = append(cc.Changes, single(pb.ConfChangeAddNode, s.raft))
		case s.standing == observer && !slices.Contains(conf.GetLearners(), s.raft):
			cc.Changes = append(cc.Changes, single(pb.ConfChangeAddLearnerNode, s.raft))
		}
	}
	for _, id := range slices.Concat(conf.GetVoters(), conf.GetLearners()) {
		switch {
		case stays[id]:
		case !hasRaft(p.besides, id):
			cc.Changes = append(cc.Changes, single(pb.ConfChangeRemoveNode, id))
		case slices.Contains(conf.GetVoters(), id):
			cc.Changes = append(cc.Changes, single(pb.ConfChangeAddLearnerNode, id))
		}
	}
	if m.wish.asked || len(cc.Changes) > 1 {
		cc.Transition = pb.ConfChangeTransition_ConfChangeTransitionJointExplicit.Enum()
	}
	return orNil(cc)
}

// voters are raft's numbers of those who are to vote, 0 for each who is awaited.
func (p *plan) voters() []uint64 {
	var ids []uint64
	for _, s := range p.target {
		if s.standing == voter || s.standing == awaited {
			ids = append(ids, s.raft)
		}
	}
	return ids
}

// withoutJoining is the servers as they were before the wish, and what raft has
// to change for that.
func withoutJoining(m *membership) (servers []server, cc *pb.ConfChangeV2) {
	cc = &pb.ConfChangeV2{}
	for _, s := range m.servers {
		if s.standing == joining {
			cc.Changes = append(cc.Changes, single(pb.ConfChangeRemoveNode, s.raft))
		} else {
			servers = append(servers, s)
		}
	}
	return servers, orNil(cc)
}

func single(kind pb.ConfChangeType, id uint64) *pb.ConfChangeSingle {
	return &pb.ConfChangeSingle{Type: kind.Enum(), NodeId: &id}
}

func orNil(cc *pb.ConfChangeV2) *pb.ConfChangeV2 {
	if len(cc.Changes) == 0 {
		return nil
	}
	return cc
}
