package coordinator_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// campaign runs in the background; the term arrives on the channel, or nil.
func campaign(s *coordinator.Session, addr string) <-chan *coordinator.Term {
	elected := make(chan *coordinator.Term, 1)
	go func() {
		term, _ := s.Campaign(context.Background(), addr)
		elected <- term
	}()
	return elected
}

func elect(t testing.TB, s *coordinator.Session, addr string) *coordinator.Term {
	t.Helper()
	term, err := s.Campaign(within(t, 5*time.Second), addr)
	must(t, err)
	return term
}

func TestStandbyTakesOverWhenTheMasterResigns(t *testing.T) {
	v := newService(t)
	one, two := v.connect(t), v.connect(t)
	term := elect(t, one, "m1:1")
	if data, _, err := two.Get(t.Context(), coordinator.MasterPath); string(data) != "m1:1" || err != nil {
		t.Errorf("/master = %q, %v", data, err)
	}
	standby := campaign(two, "m2:1")
	if _, err := term.Multi(t.Context(), coordinator.CreateOp("/assign/w1", nil, coordinator.Persistent)); err != nil {
		t.Fatal(err)
	}

	began := time.Now()
	must(t, term.Resign(t.Context()))
	next := <-standby
	if took := time.Since(began); took > leeway { // TestStandbyTakesOverAtOnce has the time
		t.Errorf("the standby took over after %v", took)
	}
	if next.Number() <= term.Number() {
		t.Errorf("term %d follows term %d", next.Number(), term.Number())
	}
	if err := ended(t, term.Context()); !errors.Is(err, coordinator.ErrTermEnded) {
		t.Errorf("cause = %v, want ErrTermEnded", err)
	}
	if _, err := term.Multi(t.Context(), coordinator.DeleteOp("/assign/w1", -1)); !errors.Is(err, coordinator.ErrTermEnded) {
		t.Errorf("a write after the term = %v, want ErrTermEnded", err)
	}
	must(t, term.Resign(t.Context())) // again, with another master in office
	if next.Context().Err() != nil || !exists(t, two, coordinator.MasterPath) {
		t.Error("resigning twice deposed the next master")
	}
}

// A check of the version of /master would be no fence: it begins with 0 again
// (E16). The version of /assign never comes again.
func TestDeposedMasterCannotWrite(t *testing.T) {
	v := newService(t)
	one, two := v.connect(t), v.connect(t)
	term := elect(t, one, "m1:1")
	standby := campaign(two, "m2:1")
	must(t, two.Delete(t.Context(), coordinator.MasterPath, coordinator.AnyVersion)) // as an operator may
	next := <-standby

	_, err := term.Multi(t.Context(), coordinator.CreateOp("/assign/w1", nil, coordinator.Persistent))
	if !errors.Is(err, coordinator.ErrTermEnded) {
		t.Errorf("write = %v, want ErrTermEnded", err)
	}
	if err := ended(t, term.Context()); !errors.Is(err, coordinator.ErrTermEnded) {
		t.Errorf("cause = %v", err)
	}
	if _, err := next.Multi(t.Context(), coordinator.CreateOp("/assign/w1", nil, coordinator.Persistent)); err != nil {
		t.Errorf("the new master's write = %v", err)
	}
}

func TestTermMultiTellsWhichOperationWasRefused(t *testing.T) {
	s := newService(t).connect(t)
	term := elect(t, s, "m1:1")
	_, err := term.Multi(t.Context(),
		coordinator.CheckOp("/workers", coordinator.AnyVersion),
		coordinator.DeleteOp("/tasks/no", 0))
	refused, ok := errors.AsType[*coordinator.MultiError](err)
	if !ok || refused.Index != 1 || refused.Op.Path() != "/tasks/no" || term.Context().Err() != nil {
		t.Errorf("err = %v, want a MultiError at 1, and the term to go on", err)
	}
	results, err := term.Multi(t.Context(), coordinator.CreateOp("/tasks/x", nil, coordinator.Persistent))
	if err != nil || len(results) != 1 || results[0].Path != "/tasks/x" {
		t.Errorf("results = %+v, %v", results, err)
	}
}

// As with SIGSTOP: the master hears nothing and is heard by nobody. Its term
// ends before the service expires it; when it wakes, it cannot write.
func TestSilencedMasterLosesItsTerm(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	one, two := v.via(proxy).connectBriefly(t), v.connect(t)
	term := elect(t, one, "m1:1")
	standby := campaign(two, "m2:1")

	silent := time.Now()
	proxy.SetMode(zktest.Silence)
	if err := ended(t, term.Context()); !errors.Is(err, coordinator.ErrTermEnded) || !errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("cause = %v, want ErrTermEnded and ErrSessionLost", err)
	}
	if there := exists(t, two, coordinator.MasterPath); !there && time.Since(silent) < timeout*3/4 { // else we were slow
		t.Error("the term outlived the session at the service")
	}
	began := time.Now()
	next := <-standby
	if took := time.Since(began); took > timeout+leeway { // Apache ZooKeeper expires by the tick
		t.Errorf("the standby waited for %v", took)
	}
	proxy.SetMode(zktest.Pass)
	if _, err := term.Multi(t.Context(), coordinator.DeleteOp("/assign/w1", -1)); !errors.Is(err, coordinator.ErrTermEnded) {
		t.Errorf("write = %v, want ErrTermEnded", err)
	}
	if next.Context().Err() != nil {
		t.Error("the new term has ended")
	}
}

// Wherever the answers break off, the one to the multi that begins the term
// above all: the candidate finds that it is master, and of which term.
func TestLostElectionIsFound(t *testing.T) {
	v := newService(t)
	two := v.connect(t)
	for cut := 1; cut < 400; cut += 25 {
		proxy := zktest.NewProxy(t, v.addr)
		one := v.via(proxy).connect(t)
		before := elect(t, two, "m2:1")
		elected := campaign(one, "m1:1")
		proxy.CutAfter(zktest.Replies, cut)
		must(t, before.Resign(t.Context()))
		term := <-elected
		if term == nil {
			t.Fatalf("cut after %d: no term", cut)
		}
		_, assign, err := two.Get(t.Context(), coordinator.AssignPath)
		if err != nil || assign.Version != term.Number() {
			t.Errorf("cut after %d: term = %d, version of /assign = %d, %v", cut, term.Number(), assign.Version, err)
		}
		if _, err := term.Multi(t.Context(), coordinator.CheckOp("/workers", -1)); err != nil && !errors.Is(err, coordinator.ErrUnknownOutcome) {
			t.Errorf("cut after %d: write = %v", cut, err)
		}
		must(t, term.Resign(t.Context()))
		must(t, one.Close())
	}
}

func TestOnlyOneIsElected(t *testing.T) {
	v := newService(t)
	sessions := make([]*coordinator.Session, 5)
	elected := make(chan *coordinator.Term)
	for i := range sessions {
		sessions[i] = v.connect(t)
		go func() {
			term, _ := sessions[i].Campaign(within(t, 10*time.Second), "m")
			elected <- term
		}()
	}
	var last int32
	for range sessions {
		term := <-elected
		select {
		case other := <-elected:
			t.Fatalf("terms %d and %d at a time", term.Number(), other.Number())
		case <-time.After(30 * time.Millisecond):
		}
		if term.Number() <= last {
			t.Errorf("term %d after %d", term.Number(), last)
		}
		last = term.Number()
		must(t, term.Resign(t.Context()))
	}
}

func TestCampaignEndsWithItsContext(t *testing.T) {
	v := newService(t)
	one, two := v.connect(t), v.connect(t)
	elect(t, one, "m1:1")
	if _, err := two.Campaign(within(t, 50*time.Millisecond), "m2:1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Campaign = %v, want DeadlineExceeded", err)
	}
	_ = two.Close()
	if _, err := two.Campaign(t.Context(), "m2:1"); !errors.Is(err, coordinator.ErrClosed) {
		t.Errorf("Campaign = %v, want ErrClosed", err)
	}
}

// A fence that is made anew counts from 0 again: a deposed master must not
// wait for its number to come up.
func TestTermEndsWhenItsFenceIsDeleted(t *testing.T) {
	v := newService(t)
	one, two := v.connect(t), v.connect(t)
	term := elect(t, one, "m1:1")
	must(t, two.Delete(t.Context(), coordinator.AssignPath, coordinator.AnyVersion))
	if err := ended(t, term.Context()); !errors.Is(err, coordinator.ErrTermEnded) {
		t.Errorf("cause = %v, want ErrTermEnded", err)
	}
	next := elect(t, one, "m1:1")
	if _, err := next.Multi(t.Context(), coordinator.CreateOp("/assign/w1", nil, coordinator.Persistent)); err != nil {
		t.Fatal(err)
	}
	if _, err := term.Multi(t.Context(), coordinator.DeleteOp("/assign/w1", -1)); !errors.Is(err, coordinator.ErrTermEnded) {
		t.Errorf("a write of the old term = %v, want ErrTermEnded", err)
	}
}
