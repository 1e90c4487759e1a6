package master

import (
	"slices"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
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

// Somebody else's ACLs keep the master from deleting or reading some tasks.
func TestForgettingIsTriedAgain(t *testing.T) {
	s := newSim(t)
	s.b.limits.retention = time.Minute
	s.begin()
	kept := s.submit(simTask{status: "done", since: s.clock, attempts: []string{"done"}})
	blind := s.submit(simTask{status: "done", since: s.clock, attempts: []string{"lost by w1", "lost by w2", "done"}})
	s.kept[kept], s.blind[blind] = true, true
	for range 50 {
		s.submit(simTask{status: "done", since: s.clock, attempts: []string{"done"}})
	}
	s.settle() // 200 s
	if got := len(s.tasks); got != 2 {
		t.Errorf("%d tasks stay, want the two that cannot be deleted", got)
	}
	tries := 0
	for range 3600 {
		s.play()
		for _, m := range s.sent {
			if m.kind == forget {
				tries++
			}
		}
		s.step()
		s.clock = s.clock.Add(time.Second)
	}
	if tries > 15 {
		t.Errorf("%d tries to delete in an hour", tries)
	}
	news := 0
	for _, n := range s.b.takeNews() {
		if n.what == unforgettable {
			news++
		}
	}
	if news != 1 {
		t.Errorf("%d news of tasks that cannot be deleted, want one", news)
	}
	s.kept[kept], s.blind[blind] = false, false
	for range 20 {
		s.settle()
	}
	if got := len(s.tasks); got != 0 {
		t.Errorf("%d tasks stay although they can be deleted now", got)
	}
}

// A term ends while a task is being inspected.
func TestForgettingGoesOnInTheNextTerm(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.submit(simTask{status: "done", since: s.clock, attempts: []string{"lost by w1", "lost by w2", "done"}})
	s.settle()
	s.clock = s.clock.Add(2 * time.Hour)
	s.play() // guesses wrong what is below the task
	for _, m := range s.sent {
		s.b.settled(m, s.execute(m, s.term))
	}
	s.sent = nil
	s.begin()
	s.settle()
	if got := len(s.tasks); got != 0 {
		t.Errorf("%d tasks stay", got)
	}
}

// Without its status a task would wait again.
func TestStatusIsDeletedLast(t *testing.T) {
	s := newSim(t)
	id := s.submit(simTask{status: "done", since: s.clock, attempts: slices.Repeat([]string{"interrupted"}, 3*forgetMax)})
	s.begin()
	s.settle()
	s.clock = s.clock.Add(2 * time.Hour)
	for range 10 {
		s.play()
		for _, m := range s.sent {
			if m.kind == forget && m.stays && slices.Contains(m.debris, coordinator.StatusName) {
				t.Errorf("%d's status is deleted before the task: %q", id, m.debris)
			}
		}
		s.step()
	}
	if got := len(s.tasks); got != 0 {
		t.Errorf("%d tasks stay", got)
	}
}
