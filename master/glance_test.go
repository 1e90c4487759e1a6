package master

import (
	"testing"
	"time"
)

func TestStandbyLearnsWhatIsFinal(t *testing.T) {
	s := newSim(t)
	for range 500 {
		s.submit(simTask{status: "done", since: s.clock, attempts: []string{"done"}})
	}
	for range 1000 {
		s.submit(simTask{})
	}
	s.b.rest()
	glances := 0
	for range 500 {
		s.b.tick(s.clock)
		s.hear()
		for _, q := range s.b.glances() {
			glances++
			s.b.answered(q, s.look(q))
		}
		s.clock = s.clock.Add(20 * time.Millisecond)
	}
	if got := s.b.count[final]; got != 500 {
		t.Errorf("the standby knows %d final tasks, want 500", got)
	}
	if most := 500 + 20*(maxMisses+maxGlances); glances > most {
		t.Errorf("%d glances, want at most %d", glances, most)
	}
	s.begin()
	s.register("w1")
	s.told["workers"], s.told["assign"] = s.list("workers"), s.list("assign")
	s.tell("workers")
	s.tell("assign")
	for range 3 {
		s.step()
	}
	if got := len(s.assign["w1"]); got == 0 {
		t.Error("nothing assigned three rounds after the takeover")
	}
}
