package bench

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/worker"
)

// The test binary is its own guard.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "guard" {
		os.Exit(worker.RunGuard(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func TestQueueMeasuresEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("two seconds of starting processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var steps []string
	r, err := Queue(t.Context(), Config{Tasks: 50, Retained: 30, Dir: dir, Guard: []string{self, "guard"}}, func(step string) { steps = append(steps, step) })
	if err != nil {
		t.Fatalf("after %q: %v", steps, err)
	}
	if r.ForkExec.Count == 0 || r.Sync.P99 < r.Sync.P50 || r.Retained == nil || r.Retained.Tasks != 30 {
		t.Fatalf("report = %+v, want all of it", r)
	}
	for _, f := range []Figures{r.Figures, r.Retained.Figures} {
		if f.NoOp.Count != 50 || f.Command.Count != 10 || f.Idle.Count != 50 || f.Busy.Count != 5 || f.Busy.P50 <= 0 {
			t.Errorf("figures = %+v, want all of them", f)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestLatencyIsOfSortedTimes(t *testing.T) {
	var took []time.Duration
	for i := range 100 {
		took = append(took, time.Duration(100-i)*time.Millisecond)
	}
	if got, want := newLatency(took), (Latency{Count: 100, P50: 51 * time.Millisecond, P99: 100 * time.Millisecond}); got != want {
		t.Errorf("latency = %+v, want %+v", got, want)
	}
	if got := newLatency(nil); got != (Latency{}) {
		t.Errorf("latency of nothing = %+v, want zero", got)
	}
}

func TestReportIsJSONInSeconds(t *testing.T) {
	data, err := json.Marshal(Report{Figures: Figures{NoOp: Rate{Count: 30, Took: 2 * time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if want := `{"count":30,"per_second":15,"seconds":2}`; string(got["noop"]) != want {
		t.Errorf("noop = %s, want %s", got["noop"], want)
	}
	if want := `{"count":0,"per_second":0,"seconds":0}`; string(got["command"]) != want {
		t.Errorf("command, not measured = %s, want %s", got["command"], want)
	}
}

// With more tasks than are retained the oldest are deleted while the others
// still run: the figures come from those that are left.
func TestTasksBeyondTheRetentionAreMeasured(t *testing.T) {
	const retain, more = 50, 400
	err := withQueue(t.Context(), Config{Workers: 1, Slots: 4}, t.TempDir(), retain, func(ctx context.Context, c *submit.Client, s *coordinator.Session) error {
		r, err := measureTasks(ctx, c, s, coordinator.Spec{Handler: noop}, more)
		if r.Count != more || r.Took <= 0 {
			t.Errorf("measured %+v, want %d tasks", r, more)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
