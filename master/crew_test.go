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
