package ensemble

import (
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
)

// Who takes the last words of a leader that has ended for a sign of life votes for
// nobody until an election timeout is over.
func TestLastWordsOfALeaderDelayNoElection(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		for late := 12 * time.Millisecond; late < 20*time.Millisecond; late += 2 * time.Millisecond {
			leader := s.leader()
			who, term := leader.node.Credentials(), leader.node.loop.term
			leader.crash(true)
			begin := s.now()
			for _, m := range s.members {
				if m == leader {
					continue
				}
				m.in(late, func() {
					m.node.ReceiveRaft(who, &pb.Message{
						Type: pb.MsgHeartbeat.Enum(), From: &who.Member, To: &m.node.peers.self, Term: &term, Commit: new(uint64),
					})
				})
			}
			s.run(begin+5*time.Second, func() bool { leading, _ := s.roles(); return leading > 0 })
			if took := s.now() - begin; took > 100*time.Millisecond {
				t.Errorf("last words after %v: nobody led for %v", late, took)
			}
			leader.boot()
			s.pass(time.Second)
		}
		s.heal()
	})
}

// The news that a leader has ended may be wrong: it goes on leading.
func TestLeaderThatIsSaidToHaveEndedLeadsOn(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader, terms := s.leader(), len(s.check.leaders)
		for _, m := range s.members {
			if m != leader {
				m.node.ReceiveGone(leader.number)
				m.poll()
				break
			}
		}
		s.pass(2 * time.Second)
		if _, following := s.roles(); s.leader() != leader || following != 2 || len(s.check.leaders) != terms {
			t.Errorf("member %d leads, %d follow, %d terms", s.leader().number, following, len(s.check.leaders)-terms)
		}
		s.heal()
	})
}

// One that was removed still has its vote until all know it, and uses it: no tick
// ends what it owes to a leader that is no more.
func TestRemovedMemberVotesWhenTheLeaderIsLost(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader, others := s.leader(), []*simMember{}
		for _, m := range s.members {
			if m != leader {
				others = append(others, m)
			}
		}
		removed, last := others[0], others[1]
		leader.paused = s.now() + time.Minute
		s.pass(50 * time.Millisecond) // what the leader has sent would show that it is none
		removed.node.loop.removed = true
		s.within(5*time.Second, "new leader", func() bool { return last.node.loop.leading })
	})
}
