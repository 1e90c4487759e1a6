package ensemble

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"
)

// Status is what a node knew of its ensemble a moment ago.
type Status struct {
	Founded bool   // it belongs to an ensemble
	Term    uint64 // of raft's
	Leading bool
	Leader  int    // number of the leader, if HasLeader
	Commit  uint64 // last entry known to be committed
	Applied uint64 // last entry applied here

	HasLeader bool

	// Members are known by the leader alone.
	Members []MemberStatus
}

// MemberStatus is what the leader knows of a member.
type MemberStatus struct {
	Number int
	Match  uint64 // last entry on its disk, as far as is known
	Active bool   // was heard from in the last election timeout
	Votes  bool
}

const statusTicks = 10

// Status says how things are. It does not block.
func (n *Node) Status() Status {
	if !n.formed() {
		return Status{}
	}
	return *n.loop.status.Load()
}

// publish renews what Status says. It is called when the role changes, and now
// and then when there are other members.
func (l *loop) publish() {
	basic := l.raft.BasicStatus()
	s := &Status{Founded: true, Term: l.term, Leading: l.leading, Commit: basic.HardState.GetCommit(), Applied: l.reads.applied}
	s.Leader, s.HasLeader = l.leaderNumber()
	if l.leading && l.peers.transport != nil {
		l.raft.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
			number, _ := l.peers.numberOf(id)
			s.Members = append(s.Members, MemberStatus{Number: number, Match: p.Match, Active: id == l.peers.self || l.heardLately(id), Votes: !p.IsLearner})
		})
	}
	l.status.Store(s)
}
