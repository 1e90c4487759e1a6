package master

import (
	"slices"
	"testing"
)

func TestManualWorkerWhoWritesOnlyTheStatus(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.list("workers")(s.b)
	s.list("assign")(s.b)
	s.b.registered("w1", []byte("w1:2224"))
	s.list("tasks")(s.b)
	first, second := s.submit(simTask{}), s.submit(simTask{})
	manual := func() {
		for range 10 {
			s.step()
			s.b.registered("w1", []byte("w1:2224"))
		}
	}
	s.slots = 1
	manual()
	if got := s.holder(first); got != "w1" {
		t.Fatalf("the first task is with %q", got)
	}
	if got := slices.Collect(s.b.byHand()); !slices.Equal(got, []seq{first}) {
		t.Fatalf("followed by hand = %v, want %d", got, first)
	}
	s.tasks[first].status, s.tasks[first].since = "done", s.clock
	s.b.statusSeen(first)
	manual()
	if _, still := s.assign["w1"][first]; still {
		t.Error("the finished task is still assigned")
	}
	if got := s.holder(second); got != "w1" {
		t.Errorf("the second task is with %q, want w1", got)
	}
}
