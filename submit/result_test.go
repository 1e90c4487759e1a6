package submit

import (
	"testing"

	"github.com/mwqueue/mw/coordinator"
)

func TestResultMapsToExitCode(t *testing.T) {
	const id coordinator.TaskID = "task-0000000042"
	tests := []struct {
		name     string
		status   coordinator.Status
		attempts int
		last     coordinator.Attempt
		want     int
		explain  string
	}{
		{name: "done", status: "done", attempts: 1, want: 0},
		{name: "done by hand", status: "done", want: 0},
		{name: "own code", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 3}, want: 3},
		{name: "highest own code", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 123}, want: 123},
		{
			name: "own 124 is not a timeout", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 124}, want: 123,
			explain: "task-0000000042 exited 124, given as 123 because 124 has a meaning of its own here",
		},
		{
			name: "own 125 is not ours", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 125}, want: 123,
			explain: "task-0000000042 exited 125, given as 123 because 125 has a meaning of its own here",
		},
		{
			name: "not executable", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 126, Error: "permission denied"}, want: 126,
			explain: "task-0000000042 failed: permission denied",
		},
		{name: "not found", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 127}, want: 127},
		{
			name: "killed", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 137, Signal: "SIGKILL"}, want: 137,
			explain: "task-0000000042 was ended by SIGKILL",
		},
		{
			name: "signal as the kernel counts", status: "failed", attempts: 1, last: coordinator.Attempt{Signal: "15"}, want: 143,
			explain: "task-0000000042 was ended by 15",
		},
		{
			name: "signal of another system", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 150, Signal: "SIGODD"}, want: 150,
			explain: "task-0000000042 was ended by SIGODD",
		},
		{name: "a shell's word for a signal", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 143}, want: 143},
		{
			name: "handler", status: "failed", attempts: 1, last: coordinator.Attempt{Error: "no such image"}, want: 1,
			explain: "task-0000000042 failed: no such image",
		},
		{name: "failed by hand", status: "failed", want: 1, explain: "task-0000000042 failed without an exit code"},
		{name: "code of another system", status: "failed", attempts: 1, last: coordinator.Attempt{Exit: 3221225477}, want: 1,
			explain: "task-0000000042 exited 3221225477, given as 1"},
		{name: "timed out", status: "timed_out", attempts: 1, last: coordinator.Attempt{Exit: 143}, want: 124, explain: "task-0000000042 timed out"},
		{name: "cancelled", status: "cancelled", want: 125, explain: "task-0000000042 was cancelled"},
		{
			name: "dead", status: "dead", attempts: 5, last: coordinator.Attempt{Worker: "w1-0a1b2c3d"}, want: 125,
			explain: "task-0000000042 is dead: 5 attempts ended with their workers, the last on w1-0a1b2c3d",
		},
		{name: "by hand", status: "ok!", want: 125, explain: `task-0000000042 has the status "ok!", which mw does not know`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Result{ID: id, Status: tt.status, Attempts: tt.attempts, Last: tt.last}
			if got := r.ExitCode(); got != tt.want {
				t.Errorf("ExitCode() = %d, want %d", got, tt.want)
			}
			if got := r.Explain(); got != tt.explain {
				t.Errorf("Explain() = %q, want %q", got, tt.explain)
			}
		})
	}
}
