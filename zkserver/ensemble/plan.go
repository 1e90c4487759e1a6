package ensemble

import (
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A plan is how a wish is carried out, with the directories that are known.
type plan struct {
	target []server // all that are wished, as far as they are known
	absent []int    // numbers of those who have not said hello
	fresh  []server // of target: those that do not get the log yet
}

// planFor makes a plan for the wish of a membership. who gives the directory of
// one who is no member.
func planFor(m *membership, cluster uint64, who func(number int) (applicant, bool)) plan {
	var p plan
	for _, s := range m.wish.target {
		if s.standing == awaited {
			p.target = append(p.target, s)
			continue
		}
		if s.raft == 0 {
			if s.directory, s.raft = whoHas(m, cluster, s.number, who); s.directory == 0 {
				p.absent = append(p.absent, s.number)
				continue
			}
		}
		if !slices.ContainsFunc(m.servers, func(is server) bool { return is.raft == s.raft }) {
			p.fresh = append(p.fresh, s)
		}
		p.target = append(p.target, s)
	}
	return p
}

// whoHas gives the directory, and raft's number, of one who is to have a number:
// who joins with it already, or else who says hello.
func whoHas(m *membership, cluster uint64, number int, who func(int) (applicant, bool)) (directory, raft uint64) {
	i := slices.IndexFunc(m.servers, func(is server) bool { return is.number == number && is.standing == joining })
	if i >= 0 {
		return m.servers[i].directory, m.servers[i].raft
	}
	v, ok := who(number)
	if !ok {
		return 0, 0
	}
	return v.directory, v.memberID(cluster, number)
}

// withLearners is the servers with the fresh ones, who have no vote.
func (p *plan) withLearners(m *membership) []server {
	servers := slices.Clone(m.servers)
	for _, s := range p.fresh {
		s.standing = joining
		servers = append(servers, s)
	}
	sortServers(servers)
	return servers
}

// learners is what raft has to change for the fresh ones.
func (p *plan) learners() *pb.ConfChangeV2 {
	cc := &pb.ConfChangeV2{}
	for _, s := range p.fresh {
		cc.Changes = append(cc.Changes, single(pb.ConfChangeAddLearnerNode, s.raft))
	}
	return cc
}

// withLeaving is what is wished, with those who are to have no vote any more.
func (p *plan) withLeaving(m *membership) []server {
	servers := slices.Clone(p.target)
	for _, s := range m.servers {
		if s.raft != 0 && !slices.ContainsFunc(p.target, func(is server) bool { return is.raft == s.raft }) {
			s.standing = leaving
			servers = append(servers, s)
		}
	}
	sortServers(servers)
	return servers
}

// final is what raft has to change for the members to be what is wished: nil if
// nothing. The leader says when the joint state is left.
func (p *plan) final(conf *pb.ConfState) *pb.ConfChangeV2 {
	cc := &pb.ConfChangeV2{Transition: pb.ConfChangeTransition_ConfChangeTransitionJointExplicit.Enum()}
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
		if !stays[id] {
			cc.Changes = append(cc.Changes, single(pb.ConfChangeRemoveNode, id))
		}
	}
	return orNil(cc)
}

// voters are raft's numbers of those who are to vote.
func (p *plan) voters() []uint64 {
	var ids []uint64
	for _, s := range p.target {
		if s.standing == voter {
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
