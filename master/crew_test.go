package master

import (
	"testing"
	"time"
)

func TestHandedBackTaskDoesNotPingPong(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	for range 3 {
		s.step()
	}
	for range 1000 { // 10 s of a worker that takes nothing
		s.report("w1", id, "", "")
		s.step()
		s.clock = s.clock.Add(10 * time.Millisecond)
	}
	if got := s.tasks[id].ran; got > 8 {
		t.Errorf("assigned %d times within 10 s to a worker that hands it back", got)
	}
}

// A worker whose list takes no assignments looks like the freest of all.
func TestWorkerThatNothingCanBeAssignedToHoldsUpNoTask(t *testing.T) {
	s := newSim(t)
	s.slots = 100
	s.begin()
	s.register("bad")
	s.unfit["bad"] = true
	s.settle()
	s.slots = 2
	s.register("w1")
	dead := s.submit(simTask{})
	s.submit(simTask{})
	for range 10 {
		s.step()
	}
	if got := len(s.assign["w1"]); got != 2 {
		t.Fatalf("w1 has %d tasks after 10 rounds without a moment's time, want 2", got)
	}
	s.register("w2")
	s.kill("w1")
	for range 10 {
		s.step()
	}
	if got := s.holder(dead); got != "w2" {
		t.Errorf("the dead worker's task is with %q after 10 rounds, want w2", got)
	}
	refusals := 0
	for _, n := range s.b.takeNews() {
		if n.what == refusing {
			refusals++
		}
	}
	if refusals != 1 {
		t.Errorf("%d news of a worker that refuses, want one", refusals)
	}
	s.unfit["bad"] = false
	for range 10 {
		s.submit(simTask{})
	}
	s.settle()
	if len(s.assign["bad"]) == 0 {
		t.Error("a worker that was mended is given nothing")
	}
}

// A list under /assign may be there before its worker is registered.
func TestListOfUnknownWorkerIsNotRemovedAtOnce(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	delete(s.workers, "w1")
	for range 10 {
		s.step()
	}
	if s.assign["w1"] == nil {
		t.Error("removed at once")
	}
	s.settle() // 200 s
	if s.assign["w1"] != nil {
		t.Error("stays for ever")
	}
}

// A command takes ten seconds to stop, with which the worker hands back what it
// has no slot for.
func TestCancelledTaskCountsUntilItIsStopped(t *testing.T) {
	s := newSim(t)
	s.slots, s.stopping = 1, make(map[string]int)
	s.begin()
	s.register("w1")
	first := s.submit(simTask{})
	s.settle()
	s.submit(simTask{control: "cancel", target: first})
	second := s.submit(simTask{})
	cancelled := s.clock
	for s.tasks[first].status == "" {
		s.step()
	}
	pass := func(until time.Duration) {
		for s.clock.Before(cancelled.Add(until)) {
			s.tell("workers")
			s.step()
			s.clock = s.clock.Add(10 * time.Millisecond)
			if s.holder(second) != "" {
				t.Fatalf("assigned %v after the cancel, while the slot is taken", s.clock.Sub(cancelled))
			}
		}
	}
	pass(100 * time.Millisecond)
	s.stopping["w1"] = 1
	pass(10 * time.Second)
	s.stopping["w1"] = 0
	s.tell("workers")
	s.step()
	if got := s.holder(second); got != "w1" {
		t.Errorf("after the slot was free, %q has the next task, want w1", got)
	}
}

// Most commands stop at once, and a worker made by hand says nothing.
func TestCancelledTaskCountsNoLongerThanAMoment(t *testing.T) {
	s := newSim(t)
	s.slots = 1
	s.begin()
	s.register("w1")
	first := s.submit(simTask{})
	s.settle()
	s.submit(simTask{control: "cancel", target: first})
	second := s.submit(simTask{})
	began := s.clock
	for s.holder(second) == "" {
		s.step()
		s.clock = s.clock.Add(10 * time.Millisecond)
		if took := s.clock.Sub(began); took > 500*time.Millisecond {
			t.Fatalf("not assigned %v after the cancel", took)
		}
	}
}

// A worker that says that it drains would only hand back what it is given.
func TestAWorkerThatDrainsIsGivenNothing(t *testing.T) {
	b := newBoard(simLimits, time.Unix(1000, 0))
	for _, name := range []string{"w1", "w2"} {
		w := b.worker(name)
		w.alive, w.parent = true, true
	}
	b.registered("w1", []byte(`{"slots":8,"draining":true}`))
	b.registered("w2", []byte(`{"slots":1}`))
	if got := b.rooms(); len(got) != 1 || got[0].worker != "w2" {
		t.Errorf("rooms are %v, want that of w2 only", got)
	}
}
