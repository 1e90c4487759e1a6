package master

import (
	"fmt"
	"slices"
	"testing"
)

// The ancestor read /status on the live path never, and ran such a task again.
func TestTaskReportedBeforeItsWorkerDiedIsNotRunAgain(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.settle()
	s.report("w1", id, "done", "done")
	s.kill("w1")
	s.list("workers")(s.b) // heard before the list of its assignments
	s.register("w2")
	s.finishAll()
	if got := s.tasks[id].ran; got != 1 {
		t.Errorf("ran %d times, want once", got)
	}
}

func TestTaskWhoseWorkersDieBecomesDead(t *testing.T) {
	s := newSim(t)
	s.begin()
	id := s.submit(simTask{})
	for n := range simLimits.maxLost {
		w := fmt.Sprintf("w%d", n)
		s.register(w)
		s.settle()
		if got := s.holder(id); got != w {
			t.Fatalf("after %d deaths %q has it, want %s", n, got, w)
		}
		s.start(w, id)
		s.kill(w)
		s.settle()
	}
	s.wantStatus(t, id, "dead")
	if got := len(s.tasks[id].attempts); got != simLimits.maxLost {
		t.Errorf("attempts = %d, want %d", got, simLimits.maxLost)
	}
	s.register("w9")
	s.finishAll()
	if got := s.tasks[id].ran; got != simLimits.maxLost {
		t.Errorf("ran %d times, want %d", got, simLimits.maxLost)
	}
}

// A worker whose guard was killed reports so itself.
func TestTaskThatWorkersReportAsLostBecomesDead(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	for range simLimits.maxLost {
		s.settle()
		s.report("w1", id, "lost by w1", "")
	}
	s.settle()
	s.wantStatus(t, id, "dead")
}

func TestInterruptedAttemptsAreNotCharged(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	for range 3 * simLimits.maxLost {
		s.settle()
		s.report("w1", id, "interrupted", "")
	}
	s.finishAll()
	s.wantStatus(t, id, "done")
}

func TestTaskIsKeptAwayFromTheMachineItDiedOn(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("a-00000001")
	id := s.submit(simTask{})
	s.settle()
	s.kill("a-00000001")
	s.register("a-00000002")
	s.register("b-00000001")
	s.settle()
	if got := s.holder(id); got != "b-00000001" {
		t.Errorf("after a's death %q has it, want b", got)
	}
}

func TestTaskOfDeadWorkerIsQueuedAgainWhenNobodyHasRoom(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.settle()
	s.kill("w1")
	s.settle()
	if got := s.tasks[id].attempts; !slices.Equal(got, []string{"lost by w1"}) {
		t.Errorf("attempts = %q, want one lost", got)
	}
	if len(s.assign) != 0 {
		t.Errorf("/assign = %v, want empty", s.assign)
	}
	s.register("w2")
	s.finishAll()
	s.wantStatus(t, id, "done")
}

// A person assigns a task to more workers, and all of them die: in one listing,
// before the term, or one after the other.
func TestTaskInTheListsOfSeveralDeadWorkersRunsAgain(t *testing.T) {
	for _, dead := range []int{2, 3, 4} {
		for _, when := range []string{"at once", "before the term", "by and by"} {
			t.Run(fmt.Sprintf("%d %s", dead, when), func(t *testing.T) {
				s := newSim(t)
				s.begin()
				s.register("w1")
				id := s.submit(simTask{})
				s.settle()
				for n := 2; n <= dead; n++ {
					w := fmt.Sprintf("w%d", n)
					s.register(w)
					s.assign[w][id] = s.assign["w1"][id]
					s.hear()
				}
				for n := 1; n <= dead; n++ {
					s.kill(fmt.Sprintf("w%d", n))
					if when == "by and by" {
						s.hear()
						s.play()
					}
				}
				if when == "before the term" {
					s.begin()
				}
				s.settle()
				s.register("last")
				s.finishAll()
				s.wantStatus(t, id, "done")
				if len(s.assign) != 1 {
					t.Errorf("/assign = %v, want the list of the last worker alone", s.assign)
				}
			})
		}
	}
}

// One of two workers that have a task dies, while what the task is is looked up
// for another reason.
func TestTaskIsTakenOffTheDeadOneOfTwoWorkers(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.register("w2")
	id := s.submit(simTask{})
	s.settle()
	both := s.assign[s.holder(id)][id]
	s.assign["w1"][id], s.assign["w2"][id] = both, both
	s.change("assign/w1", "assign/w2")
	s.hear()
	s.kill("w1")
	s.hear()
	s.b.urge(question{task: id, holder: "w2"})
	s.settle()
	if len(s.assign) != 1 || s.holder(id) != "w2" {
		t.Errorf("/assign = %v, want the task with w2 alone", s.assign)
	}
}
