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
