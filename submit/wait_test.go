package submit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/zkserver/zktest"
	"golang.org/x/sync/errgroup"
)

func TestWaitReturnsWhatIsRecorded(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	h, err := c.Submit(t.Context(), coordinator.Spec{Shell: "exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Result(t.Context()); !errors.Is(err, submit.ErrNotEnded) {
		t.Errorf("result before the end: %v, want ErrNotEnded", err)
	}
	go finish(s, h.ID(), coordinator.StatusFailed,
		coordinator.Attempt{Worker: "w1-0", Outcome: coordinator.OutcomeLost},
		coordinator.Attempt{Worker: "w2-0", Outcome: coordinator.OutcomeFailed, Exit: 3})
	r, err := h.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != coordinator.StatusFailed || r.Attempts != 2 || r.Last.Worker != "w2-0" || r.ExitCode() != 3 {
		t.Errorf("result = %+v, want failed with exit 3 at attempt 2 on w2-0", r)
	}
}

func TestWaitSurvivesALostSession(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	proxy := zktest.NewProxy(t, addr)
	h, err := open(t, proxy.Addr()).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 1)
	go func() {
		_, err := h.Wait(t.Context())
		results <- err
	}()
	proxy.SetMode(zktest.Silence)
	pause(t.Context(), 2*sessionTimeout) // the service expires the session
	if err := finish(s, h.ID(), coordinator.StatusDone); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	proxy.SetMode(zktest.Pass)
	if err := <-results; err != nil {
		t.Error(err)
	}
}

func TestMoreHandlesWaitThanThereAreWatches(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c, err := submit.Open(submit.Config{
		Coordinator: coordinator.Config{Servers: []string{addr}, SessionTimeout: sessionTimeout},
		MaxWatches:  3,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	handles, err := c.SubmitMany(t.Context(), numbered(30))
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	for _, h := range handles {
		g.Go(func() error {
			_, err := h.Wait(t.Context())
			return err
		})
	}
	for _, h := range slices.Backward(handles) { // those who watch are the last to be served
		if err := finish(s, h.ID(), coordinator.StatusDone); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWaitForNoTask(t *testing.T) {
	addr := server(t)
	connect(t, addr)
	_, err := open(t, addr).Handle("task-0000000042").Wait(t.Context())
	if want := "submit: task-0000000042: submit: no such task"; err == nil || err.Error() != want || !errors.Is(err, submit.ErrNoTask) {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// TestWaitForATaskThatWasDeletedSaysThatItWasThere: a retention may be shorter than a
// client is away.
func TestWaitForATaskThatWasDeletedSaysThatItWasThere(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	h, err := open(t, addr).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), coordinator.TaskPath(h.ID()), -1); err != nil {
		t.Fatal(err)
	}
	_, err = h.Result(t.Context())
	if !errors.Is(err, submit.ErrNoTask) || !strings.Contains(err.Error(), "it was accepted, and deleted") {
		t.Errorf("error = %v", err)
	}
}

func TestCancelIsATaskForTheMaster(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	h, err := c.Submit(t.Context(), coordinator.Spec{Shell: "sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	created := follow(t, s)
	cancelled := make(chan error, 1)
	go func() { cancelled <- h.Cancel(t.Context()) }()
	created(2)
	const control coordinator.TaskID = "task-0000000001"
	data, _, err := s.Get(t.Context(), coordinator.TaskPath(control))
	if err != nil {
		t.Fatal(err)
	}
	if spec, err := coordinator.ParseSpec(data); err != nil || spec.Control != "cancel" || spec.Task != h.ID() {
		t.Errorf("the control task holds %s, want cancel %s", data, h.ID())
	}
	if err := errors.Join(finish(s, h.ID(), coordinator.StatusCancelled), finish(s, control, coordinator.StatusDone)); err != nil {
		t.Fatal(err)
	}
	if err := <-cancelled; err != nil {
		t.Error(err)
	}
	if err := h.Cancel(t.Context()); !errors.Is(err, submit.ErrFinal) {
		t.Errorf("second cancel: %v, want ErrFinal", err)
	}
}
