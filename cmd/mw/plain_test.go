package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// Anybody may write a znode: what a terminal would obey, or take for a line of
// ours, is shown as blanks.
func TestNothingOfAZnodeCommandsTheTerminal(t *testing.T) {
	const evil = "\x1b]0;mine\x07x\nmw: forged\r\u009b2J"
	now := time.Now()
	attempt := coordinator.Attempt{
		Outcome: evil, Signal: evil, Worker: evil, Error: evil, Started: now, Ended: now,
	}
	task := submit.Task{
		ID: "task-0000000001", State: evil, Worker: evil, Spec: coordinator.Spec{Shell: evil, Name: evil, Dir: evil},
		Submitted: now, Ended: now, Last: attempt,
	}
	worker := submit.Worker{Instance: "w1", Alive: true, Since: now}
	worker.Registration = coordinator.Registration{Addr: evil, Host: evil, Labels: map[string]string{evil: evil}}
	tests := []struct {
		name  string
		print func(*strings.Builder) error
		lines int
	}{
		{name: "ps", lines: 2, print: func(b *strings.Builder) error { return taskListing([]submit.Task{task}).table(b) }},
		{name: "workers", lines: 2, print: func(b *strings.Builder) error { return workerListing([]submit.Worker{worker}).table(b) }},
		{name: "status", lines: 8, print: func(b *strings.Builder) error {
			cur := &current{Current: submit.Current{Number: 2, Worker: evil, Assigned: now}, running: true}
			return printStatus(b, task, []submit.Attempt{{Number: 1, Attempt: attempt}}, cur)
		}},
		{name: "an error", lines: 1, print: func(b *strings.Builder) error {
			report(b, t.Context(), errors.New("x: "+evil))
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := tt.print(&b); err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(b.String(), "\n"); got != tt.lines {
				t.Errorf("%d lines, want %d:\n%q", got, tt.lines, b.String())
			}
			if plain(strings.ReplaceAll(b.String(), "\n", "")) != strings.ReplaceAll(b.String(), "\n", "") {
				t.Errorf("not plain: %q", b.String())
			}
		})
	}
}
