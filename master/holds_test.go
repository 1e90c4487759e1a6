package master

import (
	"testing"

	"github.com/mwqueue/mw/coordinator"
)

// assignment brings the board to where one assignment is sent.
func (s *sim) assignment(t *testing.T) (id seq, m move) {
	t.Helper()
	s.begin()
	s.register("w1")
	id = s.submit(simTask{})
	s.hear()
	s.playWithoutNews()
	if len(s.sent) != 1 || s.sent[0].kind != assign {
		t.Fatalf("sent %+v, want one assignment", s.sent)
	}
	m, s.sent = s.sent[0], nil
	return id, m
}

func TestTaskFinishedBeforeItsAssignmentIsConfirmed(t *testing.T) {
	s := newSim(t)
	id, m := s.assignment(t)
	r := s.execute(m, s.term)
	s.report("w1", id, "done", "done")
	s.hear() // the last change for ever
	s.b.settled(m, r)
	s.settle()
	if got := s.b.tasks.get(id).state; got != final {
		t.Errorf("state = %d, want final", got)
	}
}

func TestListingFromBeforeAnAssignmentDoesNotEndIt(t *testing.T) {
	s := newSim(t)
	id, m := s.assignment(t)
	before := s.list("assign/w1")
	s.follow("assign/w1")
	r := s.execute(m, s.term)
	before(s.b)
	if got := len(s.b.workers["w1"].held); got != 1 {
		t.Errorf("while the multi is under way, w1 has %d tasks, want 1", got)
	}
	s.b.settled(m, r)
	before(s.b)
	s.playWithoutNews()
	if got := len(s.b.workers["w1"].held); got != 1 {
		t.Errorf("after the older listing, w1 has %d tasks, want 1", got)
	}
	s.settle()
	if got := s.b.tasks.get(id).state; got != held {
		t.Errorf("state = %d, want held", got)
	}
	if got := s.tasks[id].ran; got != 1 {
		t.Errorf("assigned %d times", got)
	}
}

// playWithoutNews has every question answered, while no list is told.
func (s *sim) playWithoutNews() {
	for range 3 {
		s.play()
		for _, q := range s.questions {
			s.b.answered(q, s.look(q))
		}
		s.questions = nil
	}
}

// People may assign a task twice; each worker then owes it.
func TestTaskWithTwoWorkersIsNotRunAgainWhenOneDies(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.register("w2")
	id := s.submit(simTask{})
	s.hear()
	s.assign["w1"][id], s.assign["w2"][id] = coordinator.Assignment{Attempt: 1}, coordinator.Assignment{Attempt: 1}
	s.change("assign/w1", "assign/w2")
	s.hear()
	s.kill("w1")
	s.settle()
	if got := s.tasks[id]; got.ran != 0 || len(got.attempts) != 0 {
		t.Errorf("assigned %d times, attempts %q, want none", got.ran, got.attempts)
	}
	if len(s.assign["w1"]) != 0 {
		t.Error("the dead worker still owes it")
	}
	s.finishAll()
	s.wantStatus(t, id, "done")
}

func TestListingOfADeadWorkerFromBeforeItsTaskWasMoved(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.settle()
	s.kill("w1")
	s.register("w2")
	s.hear()
	s.playWithoutNews()
	before := s.list("assign/w1")
	for _, m := range s.sent {
		s.b.settled(m, s.execute(m, s.term))
	}
	s.sent = nil
	before(s.b) // read before, told after
	s.playWithoutNews()
	s.finishAll()
	s.wantStatus(t, id, "done")
	if got := s.tasks[id].ran; got != 2 {
		t.Errorf("assigned %d times, want 2", got)
	}
}

func TestWorkerThatDiedWhileItWasAssignedATask(t *testing.T) {
	s := newSim(t)
	id, m := s.assignment(t)
	r := s.execute(m, s.term)
	s.kill("w1")
	s.hear()
	s.b.settled(m, r)
	s.register("w2")
	s.settle()
	if got := s.holder(id); got != "w2" {
		t.Errorf("%q has it, want w2", got)
	}
}

func TestAnswerToAnEarlierQuestionDoesNotCount(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.hear()
	s.play()
	q := s.questions[0]
	old := s.look(q)
	s.questions = nil

	s.assign["w1"][id] = coordinator.Assignment{Attempt: 1} // a person assigns it, and it is interrupted
	s.change("assign/w1")
	s.hear()
	s.report("w1", id, "interrupted", "")
	s.hear()
	s.b.answered(q, old)
	s.finishAll() // which fails on the number of the attempt otherwise
	s.wantStatus(t, id, "done")
}
