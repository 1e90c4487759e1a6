package worker

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// A command that does not go away is given up when the guard has killed it, and
// not before.
func TestAttendGivesUpOnWhatCannotBeKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		link := &guardLink{in: in, alarm: time.NewTimer(time.Hour)}
		cmd := &command{link: link, ended: make(chan endedEvent, 1)}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrTimedOut)
		defer cancel()
		began := time.Now()
		time.AfterFunc(time.Minute, func() {
			link.mu.Lock()
			defer link.mu.Unlock()
			link.watch.answered(1, 1)
		})
		e, cause := attend(ctx, cmd, time.Second)
		if took := time.Since(began); !e.Stuck || cause != ErrTimedOut || took < time.Minute || took > time.Minute+2*time.Second {
			t.Errorf("after %v: %+v, %v", took, e, cause)
		}
	})
}

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
		{name: "stuck in the kernel", ended: endedEvent{Signal: 9, Stuck: true}, cause: ErrTimedOut, want: coordinator.OutcomeTimedOut, exit: 137},
		{name: "the guard died of it", ended: endedEvent{GuardDied: true}, charged: true, want: coordinator.OutcomeLost},
		{name: "the guard died of another", ended: endedEvent{GuardDied: true}, want: coordinator.OutcomeInterrupted},
	}
	for _, tt := range tests {
		if r := commandRecord(tt.ended, tt.cause, tt.charged); r.Outcome != tt.want || r.Exit != tt.exit {
			t.Errorf("%s: %+v, want %s, exit %d", tt.name, r, tt.want, tt.exit)
		}
	}
}
