package ensemble

import (
	"errors"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// want has a client of a member wish for members: numbers, of observers negative.
func (m *simMember) want(numbers ...int) {
	list := []byte{byte(len(numbers))}
	for _, n := range numbers {
		list = append(list, byte(max(n, -n)<<1)|bit(n < 0))
	}
	m.sim.check.proposeWith(m, m.clients[0], list)
	m.poll()
}

// settled waits until the members are those with the numbers, and alike.
func (s *sim) settled(numbers ...int) {
	s.t.Helper()
	s.within(20*time.Second, "change of the members", func() bool {
		is := s.newest()
		if len(is.members()) != len(numbers) || s.underWay() {
			return false
		}
		for _, n := range numbers {
			if o, ok := is.owner(max(n, -n)); !ok || (o.standing == observer) != (n < 0) {
				return false
			}
		}
		return true
	})
}

// settledBut is settled while some have not come.
func (s *sim) settledBut(numbers ...int) {
	s.t.Helper()
	s.within(20*time.Second, "change of the members", func() bool {
		is := s.newest()
		return len(is.members()) == len(numbers) && is.wish == nil && !is.joint()
	})
}

func TestEnsembleGrowsAndShrinksOnLine(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.spares, p.snapshot = 1, 4, 60
	walk(t, p, func(s *sim) {
		for _, m := range s.members {
			m.boot()
		}
		s.pass(time.Second)
		for _, numbers := range [][]int{{1, 2, 3}, {1, 2, 3, 4, 5}, {2, 3, 4, 5}, {3, 4, 5}, {3, 4, -5}, {3, 4, 5}, {1, 2, 5}, {1, 2, 3, -4}} {
			s.leader().want(numbers...)
			s.settled(numbers...)
			if s.pass(2*time.Second) == 0 {
				t.Fatalf("no service with the members %v", numbers)
			}
			for _, m := range s.members { // those that are members no more have clients yet
				if _, member := s.newest().owner(m.number); m.former == nil && (m.node.loop.removed || member == m.hasLeft(s.newest())) {
					t.Errorf("members %v: member %d thinks that it is removed: %v", numbers, m.number, m.node.loop.removed)
				}
			}
		}
		if s.figures.changed != 8 || s.figures.abandoned+s.figures.refused > 0 {
			t.Errorf("%+v", s.figures)
		}
		s.heal()
	})
}

// A directory of a server that ran alone is that of the first member.
func TestServerThatRanAloneGrows(t *testing.T) {
	p := quiet
	p.members, p.alone = 3, true
	walk(t, p, func(s *sim) {
		first := s.members[0]
		first.solo = true
		first.boot()
		if s.pass(time.Second) == 0 {
			t.Fatal("a server alone does nothing")
		}
		first.crash(false)
		first.solo = false
		first.boot()
		if s.pass(20*time.Second) > 0 {
			t.Fatal("service although the others may be an ensemble")
		}
		s.members[1].boot()
		if s.pass(4*time.Second) == 0 {
			t.Fatal("a server that ran alone waits although a majority is there and new")
		}
		if r := first.node.Role(); !r.Leading || !r.HasLeader || r.Leader != 1 {
			t.Errorf("role of a server that leads alone: %+v", r)
		}
		s.members[2].boot()
		s.settled(1, 2, 3)
		first.crash(true)
		if s.pass(3*time.Second) == 0 {
			t.Error("no service without the first, with both that joined")
		}
		first.boot()
		s.heal()
	})
}

// The first of five has none of the others when it has adopted them.
func TestServerThatRanAloneGrowsToFive(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.alone = 5, true
	walk(t, p, func(s *sim) {
		first := s.members[0]
		first.solo = true
		first.boot()
		s.pass(time.Second)
		first.crash(false)
		first.solo = false
		for _, m := range s.members {
			m.boot()
		}
		s.settled(1, 2, 3, 4, 5)
		first.crash(true)
		if s.pass(3*time.Second) == 0 {
			t.Error("no service without the first")
		}
		first.boot()
		s.heal()
	})
}

// restore puts a directory that was made from a backup in the place of a member's.
func (m *simMember) restore() {
	m.disk, m.mayEnd = waltest.New(uint64(m.number)), true
	cfg := Config{Dir: "/data", FS: m.disk, SegmentBytes: 16 << 10}
	if err := Seed(cfg, 0, (&simMachine{digest: m.sim.check.digests[0]}).Capture()); err != nil {
		m.sim.t.Fatal(err)
	}
}

// What a member that was restored from a backup acknowledged beside the ensemble it
// was one of was lost.
func TestARestoredMemberDoesNotLeadBesideAnEnsemble(t *testing.T) {
	p := quiet
	p.members = 3
	for _, number := range []int{1, 3} {
		walkUp(t, p, func(s *sim) {
			m := s.members[number-1]
			m.crash(false)
			m.restore()
			s.partition(func(a, b int) bool { return (a == number) != (b == number) }, 2)
			m.boot()
			s.run(s.now()+2900*time.Millisecond, nil) // until the links are mended
			if m.former == nil && m.refused == nil {
				t.Fatal("a restored member that hears nobody takes part")
			}
			if s.pass(3*time.Second) == 0 {
				t.Error("no service of the others")
			}
			if !errors.Is(m.refused, ErrSecond) {
				t.Errorf("member %d ended with %v", number, m.refused)
			}
			m.disk, m.refused = waltest.New(99), nil
			m.boot()
			s.within(20*time.Second, "the member with an empty directory", func() bool {
				is, ok := s.newest().owner(number)
				return ok && m.node.formed() && is.directory == m.node.directory
			})
			s.heal()
		})
	}
}

func TestOfTwoRestoredMembersNoneLeads(t *testing.T) {
	p := quiet
	p.members = 3
	walk(t, p, func(s *sim) {
		for _, m := range s.members {
			if m.number > 1 {
				m.restore()
			}
			m.boot()
		}
		s.pass(5 * time.Second)
		for _, m := range s.members[1:] {
			if !errors.Is(m.refused, ErrSecond) {
				t.Errorf("member %d ended with %v", m.number, m.refused)
			}
		}
	})
}

// An observer has all, and no vote: two of three voters must be there.
func TestObserverHasNoVote(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.observer = 4, true
	walk(t, p, func(s *sim) {
		for _, m := range s.members {
			m.boot()
		}
		if s.pass(3*time.Second) == 0 || s.members[3].machine.count == 0 {
			t.Fatal("no service, or none at the observer")
		}
		s.members[3].crash(true)
		s.leader().crash(true)
		if s.pass(3*time.Second) == 0 {
			t.Fatal("no service with two of three voters")
		}
		s.members[3].boot()
		s.leader().crash(true)
		s.pass(time.Second)
		if s.pass(3*time.Second) > 0 {
			t.Fatal("service with one of three voters and an observer")
		}
		for _, m := range s.members {
			if !m.up {
				m.boot()
			}
		}
		s.heal()
	})
}
