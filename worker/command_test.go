package worker

import (
	"testing"

	"github.com/mwqueue/mw/coordinator"
)

func TestCommandRecord(t *testing.T) {
	tests := []struct {
		name    string
		ended   endedEvent
		cause   error
		charged bool
		want    coordinator.Outcome
		exit    int
	}{
		{name: "exit 0", want: coordinator.OutcomeDone},
		{name: "exit 3", ended: endedEvent{Code: 3}, want: coordinator.OutcomeFailed, exit: 3},
		{name: "signal", ended: endedEvent{Signal: 9}, want: coordinator.OutcomeFailed, exit: 137},
		{name: "timed out", ended: endedEvent{Signal: 15}, cause: ErrTimedOut, want: coordinator.OutcomeTimedOut, exit: 143},
		{name: "stopped", cause: ErrStopped, want: coordinator.OutcomeInterrupted},
		{name: "fenced", ended: endedEvent{Fenced: true, Signal: 9}, want: coordinator.OutcomeInterrupted, exit: 137},
		{name: "the guard died of it", ended: endedEvent{GuardDied: true}, charged: true, want: coordinator.OutcomeLost},
		{name: "the guard died of another", ended: endedEvent{GuardDied: true}, want: coordinator.OutcomeInterrupted},
	}
	for _, tt := range tests {
		if r := commandRecord(tt.ended, tt.cause, tt.charged); r.Outcome != tt.want || r.Exit != tt.exit {
			t.Errorf("%s: %+v, want %s, exit %d", tt.name, r, tt.want, tt.exit)
		}
	}
}
