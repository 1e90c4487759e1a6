package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func TestErrorsAreOneLineWithAHintAndACode(t *testing.T) {
	tests := []struct {
		name string
		err  error
		code int
		want string
	}{
		{name: "none", err: nil, code: 0},
		{name: "a task's code", err: exit(3), code: 3},
		{name: "usage", err: usagef(nil, "--slots is %d", 0), code: 64, want: "mw: --slots is 0\nmw: hint: \"mw help\" lists the commands\n"},
		{name: "of the cli package", err: cli.Exit("No help topic", 3), code: 64, want: "mw: No help topic\n"},
		{
			name: "no server", err: fmt.Errorf("submit: %w: refused", coordinator.ErrNoServer), code: 69,
			want: "mw: no server: refused\nmw: hint: start one with \"mw dev\" (all in one process) or \"mw server\", or name yours with --servers\n",
		},
		{
			name: "a server that hangs up", err: fmt.Errorf("submit: %w: %w", coordinator.ErrNoServer, io.EOF), code: 69,
			want: "mw: no server: EOF\nmw: hint: somebody listens there, but takes no clients: \"mw server status\" asks a server whether it has a quorum; one that speaks TLS alone wants --tls-ca\n",
		},
		{
			name: "unknown outcome", err: &submit.UnknownError{Key: "k1", Err: fmt.Errorf("%w: timeout", coordinator.ErrUnknownOutcome)}, code: 75,
			want: "mw: outcome unknown: timeout\nmw: hint: the same command with --key k1 is safe: it finds the task if there is one\n",
		},
		{name: "not permitted", err: fmt.Errorf("create: %w", coordinator.ErrNoAuth), code: 77, want: "mw: create: not permitted\n"},
		{name: "a file not permitted", err: &os.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, code: 77, want: "mw: open /x: permission denied\n"},
		{
			name: "too large", err: fmt.Errorf("create: %w: 9 bytes, at most 1", coordinator.ErrTooLarge), code: 64,
			want: "mw: create: too large: 9 bytes, at most 1\nmw: hint: a task takes half a megabyte with its flags: put long input in a file\n",
		},
		{
			name: "a worker on another machine", err: &submit.UnreachableError{Addr: "127.0.0.1:1", Err: syscall.ECONNREFUSED}, code: 125,
			want: "mw: worker at 127.0.0.1:1: connection refused\nmw: hint: a worker that is to be read from other machines needs --listen HOST:PORT\n",
		},
		{name: "anything else", err: errors.Join(errors.New("a"), errors.New("b")), code: 125, want: "mw: a b\n"},
		{name: "with a hint of its own", err: hinted(errors.New("a"), "try %s", "b"), code: 125, want: "mw: a\nmw: hint: try b\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if got := report(&b, t.Context(), tt.err); got != tt.code {
				t.Errorf("exit code = %d, want %d", got, tt.code)
			}
			if b.String() != tt.want {
				t.Errorf("printed %q, want %q", b.String(), tt.want)
			}
		})
	}
}

func TestInterruptedIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var b bytes.Buffer
	if got := report(&b, ctx, fmt.Errorf("wait: %w", context.Canceled)); got != exitInterrupted {
		t.Errorf("exit code = %d, want %d", got, exitInterrupted)
	}
	doubt := &submit.UnknownError{Key: "k", Err: fmt.Errorf("%w: %w", coordinator.ErrUnknownOutcome, context.Canceled)}
	if got := report(&b, ctx, doubt); got != exitUnknown {
		t.Errorf("exit code while in doubt = %d, want %d", got, exitUnknown)
	}
}

func TestDashesTellAProgramFromALine(t *testing.T) {
	tests := []struct {
		argv []string
		args int
		want bool
	}{
		{argv: []string{"mw", "submit", "true"}, args: 1, want: false},
		{argv: []string{"mw", "submit", "--", "true"}, args: 1, want: true},
		{argv: []string{"mw", "submit", "-d", "--", "true", "--", "x"}, args: 3, want: true},
		{argv: []string{"mw", "submit", "true", "--", "x"}, args: 3, want: false},
		{argv: []string{"true"}, args: 1, want: false},
	}
	for _, tt := range tests {
		if got := dashes(tt.argv, tt.argv[len(tt.argv)-tt.args:]); got != tt.want {
			t.Errorf("dashes(%q) = %v, want %v", tt.argv, got, tt.want)
		}
	}
}

func TestLoopbackIsThisMachineOnly(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "localhost": true,
		"": false, "0.0.0.0": false, "::": false, "192.0.2.1": false, "example.org": false,
	} {
		if got := loopback(host); got != want {
			t.Errorf("loopback(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestCommandLinesAreShownOnOneLine(t *testing.T) {
	tests := []struct {
		spec coordinator.Spec
		want string
	}{
		{spec: coordinator.Spec{Shell: "echo\thi\necho ho"}, want: "echo hi echo ho"},
		{spec: coordinator.Spec{Argv: []string{"a", "b c"}, Name: "n"}, want: "n: a b c"},
		{spec: coordinator.Spec{Control: "cancel", Task: "task-0000000042"}, want: "(cancel task-0000000042)"},
		{spec: coordinator.Spec{Handler: "resize"}, want: "(handler resize)"},
		{spec: coordinator.Spec{Shell: "\x1b[31mred and long, longer, longest"}, want: " [31mred and long, longer, lo…"},
	}
	for _, tt := range tests {
		if got := short(commandLine(tt.spec), 30); got != tt.want {
			t.Errorf("shown as %q, want %q", got, tt.want)
		}
	}
}

func TestDurationsAreShownInOneUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ms", 20 * time.Millisecond: "20ms", 1500 * time.Millisecond: "1.5s", 90 * time.Second: "1m",
		3 * time.Hour: "3h", 72 * time.Hour: "3d",
	} {
		if got := took(d); got != want {
			t.Errorf("took(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestDurationsInLogLinesHaveAUnit(t *testing.T) {
	var b bytes.Buffer
	log := zerolog.New(zerolog.ConsoleWriter{Out: &b, NoColor: true, FormatPrepare: showTook})
	log.Info().Dur("took", 7440292*time.Nanosecond).Msg("elected")
	if want := "took=7.44ms"; !strings.Contains(b.String(), want) {
		t.Errorf("the line is %q, want %s", &b, want)
	}
}

func TestEveryFlagHasAVariable(t *testing.T) {
	var walk func(prefix string, commands []*cli.Command)
	walk = func(prefix string, commands []*cli.Command) {
		for _, c := range commands {
			for _, f := range c.Flags {
				if shown, ok := f.(cli.VisibleFlag); ok && !shown.IsVisible() {
					continue // the short name of another
				}
				doc, ok := f.(cli.DocGenerationFlag)
				if !ok || !isGlobal(f) && len(doc.GetEnvVars()) != 1 {
					t.Errorf("%s %s --%s has no variable", prefix, c.Name, f.Names()[0])
				}
			}
			if c.UsageText == "" || c.Description == "" {
				t.Errorf("%s %s has no help", prefix, c.Name)
			}
			walk(prefix+" "+c.Name, c.Subcommands)
		}
	}
	walk("mw", newApp().Commands)
}

func TestNoVariableIsOneThatTasksSee(t *testing.T) {
	seen := []string{"MW_TASK_ID", "MW_ATTEMPT", "MW_FENCE", "MW_WORKER", "MW_QUEUE", "MW_DEADLINE", "MW_SLOT", "MW_DATA"}
	for _, c := range newApp().Commands {
		for _, f := range c.Flags {
			for _, name := range f.(cli.DocGenerationFlag).GetEnvVars() {
				if slices.Contains(seen, name) {
					t.Errorf("--%s of %s is read from %s, which a task has", f.Names()[0], c.Name, name)
				}
			}
		}
	}
}

// An attempt that was cancelled or lost did not exit, least of all with 0.
func TestJSONHasAnExitCodeOnlyOfWhatExited(t *testing.T) {
	tests := []struct {
		last  coordinator.Attempt
		state coordinator.Status
		want  string
	}{
		{last: coordinator.Attempt{Outcome: coordinator.OutcomeDone}, state: coordinator.StatusDone, want: `"exit":0`},
		{last: coordinator.Attempt{Outcome: coordinator.OutcomeFailed, Exit: 3}, state: coordinator.StatusFailed, want: `"exit":3`},
		{last: coordinator.Attempt{Outcome: coordinator.OutcomeFailed, Error: "of a handler"}, state: coordinator.StatusFailed},
		{last: coordinator.Attempt{Outcome: coordinator.OutcomeTimedOut, Exit: 143}, state: coordinator.StatusTimedOut, want: `"exit":143`},
		{last: coordinator.Attempt{Outcome: coordinator.OutcomeCancelled}, state: coordinator.StatusCancelled},
		{last: coordinator.Attempt{Outcome: coordinator.OutcomeInterrupted, Exit: 143}, state: coordinator.StatusCancelled},
		{last: coordinator.Attempt{Outcome: coordinator.OutcomeLost}, state: coordinator.StatusDead},
		{state: coordinator.StatusCancelled},
	}
	for _, tt := range tests {
		task := submit.Task{ID: "task-0000000000", State: string(tt.state), Attempts: 1, Ended: time.Now(), Last: tt.last}
		attempts := []submit.Attempt{{Number: 1, Attempt: tt.last}}
		for _, v := range []any{newTaskJSON(task), newStatusJSON(task, attempts, nil).Runs} {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if has := strings.Contains(string(text), `"exit"`); has != (tt.want != "") || !strings.Contains(string(text), tt.want) {
				t.Errorf("%s is shown as %s, want %q", tt.last.Outcome, text, tt.want)
			}
		}
	}
}

func TestWhatAListingLacksIsSaid(t *testing.T) {
	tasks := func(n int) []submit.Task { return make([]submit.Task, n) }
	tests := []struct {
		name    string
		query   submit.Query
		listing submit.Listing
		want    string
	}{
		{
			name: "the newest", query: submit.Query{Limit: 50}, listing: submit.Listing{Tasks: tasks(52), Total: 9000, Read: 52},
			want: "52 listed, the newest of 9000 tasks and those assigned; -n lists more",
		},
		{
			name: "more match", query: submit.Query{Limit: 10, States: []string{"failed"}}, listing: submit.Listing{Tasks: tasks(10), Total: 9000, Read: 256},
			want: "10 listed, the newest that match; -n lists more",
		},
		{
			name: "older ones may match", query: submit.Query{Limit: 100_000, Name: "n"}, listing: submit.Listing{Tasks: tasks(3), Total: 9000, Read: 5000},
			want: "3 listed, all that match among the newest 5000 of 9000 tasks; older ones were not looked at",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := leftOut(tt.query, tt.listing); got != tt.want {
				t.Errorf("said %q, want %q", got, tt.want)
			}
		})
	}
}
