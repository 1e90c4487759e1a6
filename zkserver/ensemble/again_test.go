package ensemble

import (
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// loseDisk starts a member anew with an empty directory, and gives the old one.
func (m *simMember) loseDisk(seed uint64) (old *waltest.Disk) {
	m.crash(true)
	old = m.disk
	m.disk, m.node = waltest.New(seed), nil
	m.boot()
	return old
}

// votes reports whether what a member is now has a vote, and no change is under way.
func (s *sim) votes(m *simMember) bool {
	is := s.newest()
	owner, ok := is.owner(m.number)
	return ok && m.up && m.former == nil && owner.directory == m.node.directory && owner.standing == voter && is.wish == nil && !is.joint()
}

// leaveBehind has a wiped member be let in, and the change be abandoned, since it
// is cut off: with the state of the others, or before it has any.
func (s *sim) leaveBehind(m *simMember, state bool) {
	s.t.Helper()
	m.loseDisk(99)
	s.within(20*time.Second, "welcome", func() bool { return m.former == nil && (!state || m.machine.count > 0) })
	for _, other := range s.members {
		s.cut.both(m.number, other.number)
	}
	s.within(30*time.Second, "end of the change", func() bool {
		_, known := s.newest().find(m.number, m.node.directory)
		return !known && s.newest().wish == nil
	})
}

// A wiped member that was let in, and then was away until that was given up, has a
// number of raft's and is no member: it comes back by itself all the same.
func TestWipedMemberComesBackAfterAnAbandonedChange(t *testing.T) {
	skipIfShort(t)
	restart := func(_ *sim, m *simMember) { m.crash(true); m.boot() }
	tests := []struct {
		name  string
		state bool
		after func(s *sim, m *simMember)
	}{
		{"at once", false, func(*sim, *simMember) {}},
		{"with the state of the others", true, func(*sim, *simMember) {}},
		{"as another process", false, restart},
		{"as another process with the state of the others", true, restart},
		{"under another leader", false, func(s *sim, m *simMember) {
			leader := s.leader()
			leader.crash(true)
			s.pass(time.Second)
			leader.boot()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := quiet
			p.members = 3
			walkUp(t, p, func(s *sim) {
				m := s.members[2]
				s.leaveBehind(m, test.state)
				test.after(s, m)
				s.cut.mend()
				s.within(20*time.Second, "return", func() bool { return s.votes(m) && !m.node.loop.removed })
				s.members[0].crash(true)
				if s.pass(2*time.Second) == 0 {
					t.Error("no service with the member that came back and one other")
				}
				s.members[0].boot()
				s.heal()
			})
		})
	}
}

// The members may be others by then than those that each is configured with: if all of
// those lose their directories, one after the other, they are no new ensemble.
func TestWipedFoundersOfAnEnsembleThatHasMovedFoundNoOther(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares = 3, 2
	walkUp(t, p, func(s *sim) {
		s.leader().want(1, 4, 5)
		s.settled(1, 4, 5)
		for _, m := range s.members[1:3] {
			m.loseDisk(uint64(90 + m.number))
		}
		s.pass(3 * time.Second)
		m := s.members[0]
		m.loseDisk(99)
		s.within(20*time.Second, "return", func() bool { return s.votes(m) })
		s.heal()
	})
}

// The directory that a member had before takes nobody's place by itself, whether it
// is the first one of the number or not.
func TestOldDirectoryDoesNotTakeASilentMembersNumber(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		m := s.members[2]
		old := []*waltest.Disk{m.loseDisk(99)}
		s.within(20*time.Second, "return", func() bool { return s.votes(m) })
		s.pass(time.Second)
		old = append(old, m.loseDisk(98))
		s.within(20*time.Second, "second return", func() bool { return s.votes(m) })
		is, _ := s.newest().owner(3)
		for _, disk := range old {
			m.crash(true)
			m.disk, m.node = disk, nil
			m.boot()
			s.pass(10 * time.Second)
			if got, _ := s.newest().owner(3); got != is || !m.node.loop.removed {
				t.Errorf("owner of number 3 is %+v, want %+v; its old directory removed: %v", got, is, m.node.loop.removed)
			}
		}
	})
}
