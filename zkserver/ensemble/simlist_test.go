package ensemble

import (
	"fmt"
	"testing"
	"time"
)

// A new member that is not there is on the list, and votes when it has come and has
// the log.
func TestMemberThatDoesNotComeGetsNoVote(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 3, 1
	walk(t, p, func(s *sim) {
		for _, m := range s.members[:3] {
			m.boot()
		}
		s.pass(2 * time.Second)
		s.leader().want(1, 2, 4)
		s.within(2*time.Second, "the end of the change", func() bool { return s.figures.changed == 1 })
		is := s.newest()
		if got := fmt.Sprint(is.members()); got != "[{1 m1:1 false } {2 m2:1 false } {4 m4:1 false }]" || len(is.conf.GetVoters()) != 2 {
			t.Errorf("members %s, %d voters", got, len(is.conf.GetVoters()))
		}
		if s.pass(time.Second) == 0 {
			t.Error("no service without the one who is awaited")
		}
		s.members[3].boot()
		s.settled(1, 2, 4)
		s.members[0].crash(true)
		if s.pass(3*time.Second) == 0 {
			t.Error("no service with the one who was awaited")
		}
		s.members[0].boot()
		s.heal()
	})
}

// One that has come, and does not get on, keeps nobody from changing the members.
func TestMemberThatCannotCatchUpIsRemovedAtOnce(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 3, 1
	walk(t, p, func(s *sim) {
		for _, m := range s.members[:3] {
			m.boot()
		}
		s.pass(2 * time.Second)
		s.leader().want(1, 2, 3, 4)
		s.within(2*time.Second, "the end of the change", func() bool { return s.figures.changed == 1 })
		m := s.members[3]
		m.boot()
		s.within(5*time.Second, "welcome", func() bool { return m.former == nil })
		for _, other := range s.members {
			s.cut.both(m.number, other.number)
		}
		s.within(5*time.Second, "the leader's wish", func() bool { is := s.newest(); return is.wish != nil && !is.joint() })
		s.leader().want(1, 2, 3)
		s.within(time.Second, "the end of the second change", func() bool { return s.figures.changed == 2 })
		if is := s.newest(); len(is.servers) != 3 || len(is.conf.GetLearners()) != 0 || s.figures.refused > 0 {
			t.Errorf("servers %+v, %+v", is.servers, s.figures)
		}
		s.cut.mend()
		s.heal()
	})
}

// An observer that is not there is one when it comes, and may be wished away before.
func TestObserverMayComeLater(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 3, 2
	walk(t, p, func(s *sim) {
		for _, m := range s.members[:3] {
			m.boot()
		}
		s.pass(2 * time.Second)
		s.leader().want(1, 2, 3, -4, -5)
		s.within(2*time.Second, "the end of the change", func() bool { return s.figures.changed == 1 })
		s.leader().want(1, 2, 3, -4)
		s.within(2*time.Second, "the end of the second change", func() bool { return s.figures.changed == 2 })
		s.members[3].boot()
		s.members[4].boot()
		s.settled(1, 2, 3, -4)
		s.pass(2 * time.Second)
		if m := s.members[4]; m.former == nil || s.members[3].machine.count == 0 {
			t.Errorf("member 5 is let in: %v; member 4 has %d commands", m.former == nil, s.members[3].machine.count)
		}
	})
}

// One that has come has its vote in time, however often the same is asked for.
func TestMemberThatIsAwaitedComesWhileMembersAreAskedForAgain(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 3, 1
	walk(t, p, func(s *sim) {
		for _, m := range s.members[:3] {
			m.boot()
		}
		s.pass(2 * time.Second)
		s.leader().want(1, 2, 3, 4)
		s.pass(2 * time.Second)
		m := s.members[3]
		m.boot()
		for i := 0; i < 50 && (m.former != nil || !s.votes(m)); i++ {
			s.leader().want(1, 2, 3, 4)
			s.pass(130 * time.Millisecond)
		}
		if !s.votes(m) {
			t.Errorf("no vote: %+v", s.newest().servers)
		}
		s.heal()
	})
}

// Those who have come, and have no vote yet, are part of the majority that is needed.
func TestMembersThatHaveJustComeMakeAQuorum(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 3, 2
	walk(t, p, func(s *sim) {
		for _, m := range s.members[:3] {
			m.boot()
		}
		s.pass(2 * time.Second)
		s.leader().want(1, 2, 3, 4, 5)
		s.pass(2 * time.Second)
		s.members[3].boot()
		s.members[4].boot()
		s.pass(150 * time.Millisecond)
		s.leader().want(3, 4, 5)
		s.settled(3, 4, 5)
		if s.figures.abandoned > 0 {
			t.Errorf("%+v", s.figures)
		}
		s.heal()
	})
}

// With nobody to make a quorum a change is abandoned, and all goes on as before.
func TestMembersWithoutAQuorumAreNotTaken(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 3, 3
	walk(t, p, func(s *sim) {
		for _, m := range s.members[:4] {
			m.boot()
		}
		s.pass(2 * time.Second)
		s.leader().want(1, 4, 5, 6) // of whom 4 has come
		s.pass(100 * time.Millisecond)
		s.leader().want(1, 2) // while the other is under way
		s.within(20*time.Second, "the end of the change", func() bool { return s.figures.abandoned == 1 })
		if s.figures.refused == 0 {
			t.Errorf("%+v", s.figures)
		}
		s.settled(1, 2, 3)
		s.leader().want(1, 2, 3, 4, 5)
		s.settledBut(1, 2, 3, 4, 5)
		s.members[3].crash(true) // and a fifth has not come
		s.pass(time.Second)
		s.leader().want(3, 4, 5)
		s.within(20*time.Second, "the end of the last change", func() bool { return s.figures.abandoned == 2 })
		s.members[3].boot()
		s.leader().want(1, 2, 3, 4)
		s.settled(1, 2, 3, 4)
		s.heal()
	})
}

// A leader that is removed has another one lead first.
func TestRemovedLeaderGivesWay(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 4, 0
	walkUp(t, p, func(s *sim) {
		leader := s.leader()
		var others []int
		for _, m := range s.members {
			if m != leader {
				others = append(others, m.number)
			}
		}
		leader.want(others...)
		s.settled(others...)
		count := len(s.check.history)
		begin := s.now()
		s.run(begin+5*time.Second, func() bool { return len(s.check.history) > count })
		if took := s.now() - begin; took > 100*time.Millisecond {
			t.Errorf("%v without service", took)
		}
		was := leader.clients[0].answered
		s.pass(4 * time.Second)
		if leader.node.loop.removed || leader.clients[0].answered == was {
			t.Error("the clients of a member that was removed and lives are not served")
		}
		leader.crash(true)
		s.within(5*time.Second, "the end of the member", func() bool { _, known := s.newest().find(leader.number, leader.node.directory); return !known })
		leader.boot()
		s.within(5*time.Second, "word of the removal", func() bool { return leader.node.loop.removed })
		s.leader().want(1, 2, 3, 4)
		s.settled(1, 2, 3, 4)
		s.heal()
	})
}

// One that was removed and lives, and one with a new directory and its number: the
// new one is wished. Both cannot be reached.
func TestRemovedMemberMakesRoomForANewOne(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members = 4
	walkUp(t, p, func(s *sim) {
		m := s.members[3]
		s.leader().want(1, 2, 3)
		s.settled(1, 2, 3)
		s.pass(time.Second)
		m.loseDisk(99)
		s.pass(200 * time.Millisecond) // in which the leader does not miss it yet
		s.leader().want(1, 2, 3, 4)
		s.settled(1, 2, 3, 4)
		if is, _ := s.newest().owner(4); is.directory != m.node.directory || len(s.newest().servers) != 4 {
			t.Errorf("member 4 has directory %x: %+v", m.node.directory, s.newest().servers)
		}
		s.heal()
	})
}
