package ensemble

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"
)

// After the end of the leader's process the first of the others stands for election
// after so many ticks, which is time for all to hear of it, and for what it sent
// before to arrive, and the next ones after so many more each. Two at once would share
// the votes, and all would have to wait for the election timeout that this saves.
const (
	vacancyTicks = 2
	rankTicks    = 4

	// lateTicks is how long words of the leader that ended may still come. What
	// comes from it after that is of one that lives.
	lateTicks = 6
)

// A vacancy is the time from when this member heard that the leader's process has
// ended to the next leader. Until then raft would wait for an election timeout.
type vacancy struct {
	term  uint64 // of the leader that ended; 0: there is no vacancy
	gone  uint64 // raft's number of that leader
	age   int    // ticks
	stand int    // at this age this member stands for election
	every int    // and again after so many more, as the others may not have heard yet
}

// leaderGone begins a vacancy, if it is the leader who has ended. Forgetting it,
// this member votes for others at once. If the news is wrong, no harm is done: the
// others, who still hear from the leader, do not vote, and its next message makes
// this member follow it again.
func (l *loop) leaderGone(from int) {
	if leader, ok := l.peers.numberOf(l.leader); !ok || leader != from || l.leading {
		return
	}
	rank, others := l.rank(l.leader)
	l.log.Info().Uint64("term", l.term).Int("member", from).Msg("leader has ended")
	l.vacancy = vacancy{term: l.term, gone: l.leader, stand: vacancyTicks + rank*rankTicks, every: max(others, 1) * rankTicks}
	_ = l.raft.ForgetLeader() // refuses nothing in this configuration
}

// rank says how many voters besides the one that is gone come before this member,
// and how many there are.
func (l *loop) rank(gone uint64) (rank, others int) {
	l.raft.WithProgress(func(id uint64, kind raft.ProgressType, _ tracker.Progress) {
		if kind != raft.ProgressTypePeer || id == gone {
			return
		}
		others++
		if id < l.peers.self {
			rank++
		}
	})
	return rank, others
}

// unheed is called after each message of the leader that has ended: it was sent
// before, and who takes it for a sign of life votes for nobody until an election
// timeout is over. What it says counts.
func (l *loop) unheed() {
	if v := &l.vacancy; v.term == l.term && v.age <= lateTicks {
		_ = l.raft.ForgetLeader()
	}
}

// fillVacancy lets a tick of a vacancy go by. Who is not a voter, or cannot win, is
// told so by raft and the others. After an election timeout raft goes on by itself.
func (l *loop) fillVacancy() {
	v := &l.vacancy
	if v.term == 0 {
		return
	}
	v.age++
	switch {
	case l.leader != 0 || l.term != v.term || v.age > electionTicks:
		*v = vacancy{}
	case v.age >= v.stand:
		v.stand += v.every
		_ = l.raft.Campaign()
	}
}
