package ensemble

import (
	"errors"
	"testing"
	"time"
)

// ask has a member hand over the lead, and gives where the answer comes.
func (m *simMember) ask() chan error {
	done := make(chan error, 1)
	h := m.node.handOver
	h.arrived = append(h.arrived, done)
	signal(h.wake)
	m.poll()
	return done
}

// A leader that is to be stopped hands over first, and nobody waits for an
// election.
func TestPlannedStopOfTheLeaderCostsNoElection(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		for range 10 {
			leader := s.leader()
			begin, count := s.now(), len(s.check.history)
			done := leader.ask()
			s.run(begin+time.Second, func() bool { return len(done) > 0 })
			if err := <-done; err != nil || leader.node.loop.leading {
				t.Fatalf("hand over: %v", err)
			}
			leader.crash(true)
			count = len(s.check.history)
			s.run(begin+5*time.Second, func() bool { return len(s.check.history) > count })
			if took := s.now() - begin; took > 50*time.Millisecond {
				t.Errorf("%v without service", took)
			}
			leader.boot()
			s.pass(time.Second)
		}
		s.heal()
	})
}

// The one with the newest log may have stopped a moment ago: then another one leads.
func TestLeadIsNotGivenToAMemberThatIsSilent(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader := s.leader()
		for _, m := range s.members {
			if to, _ := leader.node.loop.successor(); m.node.peers.self == to {
				m.paused = s.now() + 10*time.Second
			}
		}
		begin := s.now()
		done := leader.ask()
		s.run(begin+5*time.Second, func() bool { return len(done) > 0 })
		if err := <-done; err != nil || leader.node.loop.leading || s.now()-begin > 250*time.Millisecond {
			t.Errorf("hand over: %v after %v", err, s.now()-begin)
		}
		s.heal()
	})
}

func TestLeaderWithNobodyToFollowItKeepsTheLead(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader := s.leader()
		for _, m := range s.members {
			if m != leader {
				m.crash(true)
			}
		}
		done := leader.ask()
		s.run(s.now()+2*time.Second, func() bool { return len(done) > 0 })
		if err := <-done; err != nil && !errors.Is(err, ErrNobody) {
			t.Errorf("hand over: %v", err)
		}
	})
}
