package ensemble

import (
	"slices"
	"testing"
	"time"
)

// Raft's own word for it is off for a moment after each election timeout.
func TestMembersThatAreThereAreActiveAllTheTime(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader := s.leader()
		for i := range statusTicks * 2 * electionTicks {
			if s.pass(tick); i%(2*electionTicks) == 0 {
				leader.node.loop.statusAge = i / (2 * electionTicks) // at another time in raft's round
			}
			status := leader.node.Status()
			if len(status.Members) != 3 || slices.ContainsFunc(status.Members, func(m MemberStatus) bool { return !m.Active }) {
				t.Fatalf("%+v", status.Members)
			}
		}
		s.members[leader.number%3].crash(true)
		s.pass(time.Second)
		active := 0
		for _, m := range leader.node.Status().Members {
			if m.Active {
				active++
			}
		}
		if active != 2 {
			t.Errorf("%d of two are active", active)
		}
	})
}
