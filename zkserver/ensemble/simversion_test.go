package ensemble

import (
	"errors"
	"testing"
	"time"
)

// understood checks that a member is shown nothing of a later version than its own.
func (c *checker) understood(m *simMachine, b Batch) {
	for _, cmd := range b.Commands {
		if more := cmd.Data[16:]; len(more) > 1 && more[0] == 0 && more[1] > b.Version {
			c.sim.fail("a command of version %d came at entry %d, where members write %d", more[1], b.Index, b.Version)
		}
	}
	if b.Version > m.speaks {
		c.sim.fail("member %d speaks version %d, and entry %d is of %d", m.member.number, m.speaks, b.Index, b.Version)
	}
}

// replace gives a member another program, as an operator does who goes from one to
// the next.
func (s *sim) replace(m *simMember, speaks uint8) {
	s.t.Helper()
	s.leadNot(m)
	m.crash(false)
	m.speaks = speaks
	if s.pass(100*time.Millisecond) == 0 {
		s.t.Errorf("no service while the program of member %d is replaced", m.number)
	}
	m.boot()
	if s.pass(200*time.Millisecond) == 0 {
		s.t.Errorf("no service with member %d of version %d", m.number, speaks)
	}
}

// leadNot has another member lead.
func (s *sim) leadNot(m *simMember) {
	done := m.ask()
	s.run(s.now()+time.Second, func() bool { return len(done) > 0 })
	if err := <-done; err != nil {
		s.t.Error(err)
	}
}

func (s *sim) written() (low, high uint8) {
	low = 255
	for _, m := range s.members {
		if m.up {
			low, high = min(low, m.node.Version()), max(high, m.node.Version())
		}
	}
	return low, high
}

// TestLaterVersionIsWrittenWhenAllMembersSpeakIt: programs are replaced one after
// the other, there and back again, and nobody is sent what it does not understand.
func TestLaterVersionIsWrittenWhenAllMembersSpeakIt(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.snapshot = 3, 60
	walkUp(t, p, func(s *sim) {
		s.replace(s.members[0], 2)
		s.replace(s.members[0], 1) // back
		s.replace(s.members[0], 3)
		s.replace(s.members[1], 2)
		s.leadNot(s.members[2])
		s.pass(time.Second)
		if _, high := s.written(); high != 1 {
			t.Fatalf("version %d is written with a member that speaks 1", high)
		}
		s.replace(s.members[2], 3)
		s.within(3*time.Second, "version 2", func() bool { low, high := s.written(); return low == 2 && high == 2 })
		s.replace(s.members[1], 3)
		s.within(3*time.Second, "version 3", func() bool { low, _ := s.written(); return low == 3 })
		s.replace(s.leader(), 3)
		if low, _ := s.written(); low != 3 {
			t.Errorf("version %d after a restart", low)
		}
		s.heal()
	})
}

// Who is away may have an earlier program when it comes back, observers too.
func TestVersionWaitsForAMemberThatIsAway(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members, p.observer = 4, true
	walkUp(t, p, func(s *sim) {
		last, away := s.members[2], s.members[3]
		for _, m := range []*simMember{s.members[0], s.members[1], away} {
			s.replace(m, 2)
		}
		s.leadNot(last)
		s.pass(400 * time.Millisecond)
		away.crash(false)
		s.pass(1200 * time.Millisecond) // its word is too old then
		s.replace(last, 2)
		if _, high := s.written(); s.pass(time.Second) == 0 || high != 1 {
			t.Fatalf("version %d is written while one is away", high)
		}
		away.boot()
		s.within(3*time.Second, "version 2", func() bool { low, _ := s.written(); return low == 2 })
		s.heal()
	})
}

// TestEarlierProgramIsRefused on a directory in which a later version is written, be
// it in the log or in a snapshot; and one with an empty directory takes no part.
func TestEarlierProgramIsRefused(t *testing.T) {
	for name, snapshot := range map[string]int64{"log": 1_000_000, "snapshot": 30} {
		t.Run(name, func(t *testing.T) {
			p := quiet
			p.members, p.snapshot = 3, snapshot
			walk(t, p, func(s *sim) {
				for _, m := range s.members {
					m.speaks = 2
					m.boot()
				}
				s.within(10*time.Second, "version 2", func() bool { low, _ := s.written(); return low == 2 })
				s.pass(700 * time.Millisecond)
				m := s.members[1]
				m.crash(false)
				m.speaks = 1
				m.boot()
				s.run(s.now()+time.Second, func() bool { return s.err != nil })
				if !errors.Is(m.refused, ErrOutdated) {
					t.Fatalf("an earlier program runs: %v", m.refused)
				}
			})
		})
	}
}
