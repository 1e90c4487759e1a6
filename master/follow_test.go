package master

import (
	"context"
	"testing"
)

// A worker's registration was read, then the list of workers without it, and
// the loop takes the list first.
func TestRegistrationOfAWorkerThatIsNotFollowedAnyMoreSaysNothing(t *testing.T) {
	s := newSim(t)
	s.begin()
	facts := make(chan fact)
	f := &follower{facts: facts}
	following, cancel := context.WithCancel(t.Context())
	go f.tell(following, func(b *board) { b.registered("w1", []byte("{}")) })
	is := <-facts
	cancel()
	is(s.b)
	if len(s.b.workers) > 0 {
		t.Errorf("workers = %v, want none", s.b.workers)
	}
}

// A term lists the workers itself, which the one who follows them does not know.
func TestRegistrationAfterAListingWithoutTheWorkerIsForgotten(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.b.registered("w1", []byte("{}"))
	s.list("workers")(s.b) // the same list, told by the other
	if len(s.b.workers) > 0 {
		t.Errorf("workers = %v, want none", s.b.workers)
	}
}
