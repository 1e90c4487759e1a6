package master

import (
	"testing"
	"time"
)

func TestRetentionByCountAndByAge(t *testing.T) {
	s := newSim(t)
	s.b.limits.retain, s.b.limits.retention = 10, time.Hour
	s.begin()
	s.register("w1")
	s.slots = 1
	for range 40 {
		s.submit(simTask{})
	}
	s.finishAll()
	if got := len(s.tasks); got != 10 {
		t.Errorf("%d tasks stay, want 10", got)
	}
	for id := range s.tasks {
		if id <= 30 {
			t.Errorf("the old task %d stays", id)
		}
	}
	s.clock = s.clock.Add(time.Hour)
	s.settle()
	if got := len(s.tasks); got != 0 {
		t.Errorf("%d tasks stay after an hour", got)
	}
	if got := s.b.tasks.n; got != 0 {
		t.Errorf("the board remembers %d tasks, want none", got)
	}
}

// What is below a final task that this board never examined is not known; nor
// what people put there.
func TestForgettingTaskWithUnexpectedChildren(t *testing.T) {
	s := newSim(t)
	s.submit(simTask{status: "done", since: s.clock, attempts: []string{"lost by w1", "lost by w2", "done"}})
	s.submit(simTask{status: "done", since: s.clock})
	s.begin()
	s.settle()
	s.clock = s.clock.Add(2 * time.Hour)
	s.settle()
	if len(s.tasks) != 0 {
		t.Errorf("%d tasks stay", len(s.tasks))
	}
}
