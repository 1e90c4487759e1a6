package ensemble

import "time"

// faults hurts the ensemble now and then.
func (s *sim) faults() {
	if s.calm {
		return
	}
	s.known(s.newest())
	s.fault(s.victim())
	s.after(s.upTo(2*s.profile.faults), s.faults)
}

// victim is any member, more often the leader.
func (s *sim) victim() *simMember {
	m := s.members[s.rng.IntN(len(s.members))]
	if s.chance(300) {
		for _, other := range s.members {
			if other.up && other.former == nil && other.node.loop.leading {
				m = other
			}
		}
	}
	return m
}

func (s *sim) fault(m *simMember) {
	if s.chance(s.profile.changes) {
		s.change(m)
		return
	}
	if s.profile.full > 0 && s.chance(s.profile.full) {
		s.fill(m)
		return
	}
	switch s.rng.IntN(9) {
	case 0:
		if m.up {
			m.crash(false)
		}
	case 1:
		if m.up {
			m.crash(true)
		}
	case 2: // in the middle of a write
		m.inject(s.rng.IntN(40))
	case 3:
		s.figures.pauses++
		m.paused = s.now() + s.upTo(time.Second)
	case 4, 5: // one member is cut off, one-way or both
		s.partition(func(a, b int) bool { return a == m.number }, s.rng.IntN(3))
	case 6: // any two parts
		side := s.rng.IntN(1 << len(s.members))
		s.partition(func(a, b int) bool { return side>>(a-1)&1 == 1 && side>>(b-1)&1 == 0 }, s.rng.IntN(3))
	case 7:
		s.cut.mend()
	case 8:
		m.stalled = s.now() + s.upTo(2*time.Second)
	}
}

// fill makes a member's disk full for a while: the log may not grow, and clients
// write nevertheless.
func (s *sim) fill(m *simMember) {
	s.figures.fulls++
	m.disk.SetCapacity(m.disk.Used())
	s.after(s.upTo(3*time.Second), func() { m.disk.SetCapacity(0) })
}
