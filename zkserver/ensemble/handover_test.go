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

// A leader whose disk is full, with one that has room but not the log: nothing is
// proposed while that one is to lead.
func TestLeadIsNotGivenToAMemberThatLacksMuchOfTheLog(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader := s.leader()
		behind, last := s.behind(leader)
		for range 300 {
			s.pass(tick)
			if to := leader.node.loop.raft.BasicStatus().LeadTransferee; to != 0 {
				t.Fatalf("member %d is to lead, member %d is behind", to, behind.node.peers.self)
			}
		}
		if to, ok := leader.node.loop.successor(); !ok || to != last.node.peers.self {
			t.Errorf("successor is %d, want %d, who has all of the log", to, last.node.peers.self)
		}
		behind.stalled = 0
		s.within(5*time.Second, "new leader", func() bool { return behind.node.loop.leading })
	})
}

// behind has one member be in touch and lack much of the log, which its disk does
// not take, while only the disk of that one has room.
func (s *sim) behind(leader *simMember) (behind, last *simMember) {
	for _, m := range s.members {
		if m != leader {
			behind, last = m, behind
		}
	}
	behind.stalled = s.now() + time.Hour
	index := leader.node.loop.raft.BasicStatus().HardState.GetCommit()
	s.within(time.Minute, "a long log", func() bool {
		return leader.node.loop.raft.BasicStatus().HardState.GetCommit() > index+2*caughtUp
	})
	for _, m := range []*simMember{leader, last} {
		m.node.loop.rooms.own = func() room { return full }
	}
	return behind, last
}

// One that has most of the log may still not take the lead: others are served in
// between.
func TestLeaderWhoseDiskIsFullPausesBetweenTriesToGiveUpTheLead(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader := s.leader()
		for _, m := range s.members {
			if m != leader {
				m.stalled = s.now() + time.Hour
			}
		}
		s.pass(100 * time.Millisecond)
		leader.node.loop.rooms.own = func() room { return full }
		busy, tries, was := 0, 0, false
		for range 900 {
			s.pass(tick)
			is := leader.node.loop.raft.BasicStatus().LeadTransferee != 0
			if is {
				busy++
			}
			if is && !was {
				tries++
			}
			was = is
		}
		if tries < 3 || busy > 300 {
			t.Errorf("%d tries take %d of 900 ticks", tries, busy)
		}
	})
}
