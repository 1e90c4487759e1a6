package master

import (
	"slices"
	"testing"
	"time"
)

func TestCancelOfWaitingHeldFinalAndUnknownTask(t *testing.T) {
	s := newSim(t)
	s.slots = 1
	s.begin()
	s.register("w1")
	heldTask := s.submit(simTask{})
	waitingTask := s.submit(simTask{})
	s.settle()
	c1 := s.submit(simTask{control: "cancel", target: waitingTask})
	c2 := s.submit(simTask{control: "cancel", target: heldTask})
	s.settle()
	c3 := s.submit(simTask{control: "cancel", target: heldTask})
	c4 := s.submit(simTask{control: "cancel", target: 4711})
	c5 := s.submit(simTask{control: "dance", target: heldTask})
	c6 := s.submit(simTask{control: "cancel", target: c1})
	s.settle()
	for id, want := range map[seq]string{
		heldTask: "cancelled", waitingTask: "cancelled",
		c1: "done", c2: "done", c3: "failed", c4: "failed", c5: "failed", c6: "failed",
	} {
		s.wantStatus(t, id, want)
	}
	if got := s.tasks[heldTask].attempts; !slices.Equal(got, []string{"cancelled"}) {
		t.Errorf("attempts of the cancelled running task = %q", got)
	}
	if got := s.tasks[waitingTask].ran; got != 0 {
		t.Errorf("the cancelled waiting task ran %d times", got)
	}
}

// A directive is found behind any number of waiting tasks.
func TestCancelDoesNotWaitForTheQueue(t *testing.T) {
	s := newSim(t)
	s.begin()
	for range 3000 {
		s.submit(simTask{})
	}
	s.settle()
	target := s.submit(simTask{})
	c := s.submit(simTask{control: "cancel", target: target})
	s.settle()
	s.wantStatus(t, c, "done")
	s.wantStatus(t, target, "cancelled")
}

// The listings come faster than anything is examined.
func TestDirectiveIsNotForgottenAmongManyListings(t *testing.T) {
	s := newSim(t)
	s.begin()
	target := s.submit(simTask{})
	c := s.submit(simTask{control: "cancel", target: target})
	for range 3 * arrivalsMax {
		s.submit(simTask{})
		s.hear()
	}
	if got := len(s.b.arrivals); got > arrivalsMax {
		t.Errorf("%d listings remembered, want at most %d", got, arrivalsMax)
	}
	s.settle()
	s.wantStatus(t, c, "done")
}

// Of a big /tasks only what is new is told at first, in the order of the numbers:
// a task whose number a person chose comes later.
func TestCancelOfATaskThatNoListingHadYet(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.hear()
	const chosen = seq(4711)
	s.tasks[chosen] = &simTask{}
	c := s.submit(simTask{control: "cancel", target: chosen})
	s.b.tasksCame([]string{string(c.TaskID())})
	for range 10 {
		s.play()
		for _, q := range s.questions {
			s.b.answered(q, s.look(q))
		}
		for _, m := range s.sent {
			s.b.settled(m, s.execute(m, s.term))
		}
		s.questions, s.sent = nil, nil
	}
	s.wantStatus(t, c, "done")
	s.wantStatus(t, chosen, "cancelled")
}

// Many cancels at once have targets that must all be looked up first.
func TestManyCancelsAskOnceAboutEachTarget(t *testing.T) {
	s := newSim(t)
	s.slots = 1000
	s.begin()
	s.register("w1")
	const tasks = 500
	for range tasks {
		s.submit(simTask{})
	}
	s.settle()
	s.clock = s.clock.Add(time.Hour / 2) // what is known of them is not fresh
	for target := range seq(tasks) {
		s.submit(simTask{control: "cancel", target: target + 1})
	}
	asked := 0
	for range 200 {
		s.play()
		asked += len(s.questions)
		s.step()
	}
	for target := range seq(tasks) {
		s.wantStatus(t, target+1, "cancelled")
	}
	if most := 2 * tasks; asked > most {
		t.Errorf("%d questions about %d cancels and as many targets, want at most %d", asked, tasks, most)
	}
}
