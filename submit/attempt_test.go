package submit_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// What an attempt printed before it was lost was on its worker, and there was
// no way to see it.
func TestOutputOfEachAttemptCanBeRead(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	h, err := open(t, addr).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	w := workerHTTP(t, map[string]string{
		fmt.Sprintf("%s/1/stdout", h.ID()): "first\n",
		fmt.Sprintf("%s/3/stdout", h.ID()): "third, so",
	})
	lost := coordinator.Attempt{Outcome: coordinator.OutcomeLost, Worker: "w1-0"}
	interrupted := coordinator.Attempt{Outcome: coordinator.OutcomeInterrupted, Worker: "w1-0", Stdout: []byte("second\n"), StdoutBytes: 7}
	_, err = s.Multi(t.Context(),
		coordinator.CreateOp(coordinator.AttemptPath(h.ID(), 1), lost.Encode(), coordinator.Persistent),
		coordinator.CreateOp(coordinator.AttemptPath(h.ID(), 2), interrupted.Encode(), coordinator.Persistent),
		coordinator.CreateOp(coordinator.WorkerPath("w1-0"), coordinator.Registration{Addr: w}.Encode(), coordinator.Ephemeral),
		coordinator.CreateOp(coordinator.AssignmentsPath("w1-0"), nil, coordinator.Persistent),
		coordinator.CreateOp(coordinator.AssignmentPath("w1-0", h.ID()), coordinator.Assignment{Attempt: 3}.Encode(), coordinator.Persistent))
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[int]string{1: "first\n", 2: "second\n", 3: "third, so"} {
		var got bytes.Buffer
		if err := h.AttemptOutput(t.Context(), number, submit.Stdout, &got); err != nil || got.String() != want {
			t.Errorf("attempt %d printed %q (%v), want %q", number, got.String(), err, want)
		}
	}
	if err := h.AttemptOutput(t.Context(), 4, submit.Stdout, &bytes.Buffer{}); !errors.Is(err, submit.ErrNoAttempt) {
		t.Errorf("attempt 4: %v, want ErrNoAttempt", err)
	}
	none := open(t, addr).Handle("task-0000004711")
	if err := none.AttemptOutput(t.Context(), 1, submit.Stdout, &bytes.Buffer{}); !errors.Is(err, submit.ErrNoTask) {
		t.Errorf("of no task: %v, want ErrNoTask", err)
	}
}
