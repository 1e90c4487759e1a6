package ensemble

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// outdate ends a member and has its directory as it was some time before.
func (s *sim) outdate(m *simMember, d time.Duration) {
	m.crash(false)
	old := m.disk.Clone()
	m.boot()
	s.pass(d)
	m.crash(false)
	m.disk, m.mayEnd = old, true
}

// ended looks whether a member has ended for good, with some words, and with the same
// when it is started again, after a power cut.
func (s *sim) ended(m *simMember, words string) {
	s.t.Helper()
	for range 2 {
		if !errors.Is(m.refused, ErrVoid) || !strings.Contains(m.refused.Error(), words) {
			s.t.Fatalf("member %d ended with %v", m.number, m.refused)
		}
		m.disk, m.refused = m.disk.PowerCut(), nil
		m.boot()
	}
}

// It ended by a panic of raft's, and could vote again as soon as another one led.
func TestAMemberThatHasForgottenWhatItAcknowledgedEndsForGood(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		m := s.members[s.leader().number%3]
		s.outdate(m, 2*time.Second)
		m.boot()
		if s.pass(time.Second) == 0 {
			t.Error("no service of the others")
		}
		s.ended(m, "has acknowledged entries up to")
		m.disk = waltest.New(99)
		m.boot()
		s.within(20*time.Second, "the member with an empty directory", func() bool {
			is, ok := s.newest().owner(m.number)
			return ok && m.node.formed() && is.directory == m.node.directory
		})
		s.heal()
	})
}
