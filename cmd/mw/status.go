package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/urfave/cli/v2"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show one task and its attempts",
		UsageText: "mw status [flags] ID",
		Description: `Shows what the task runs, its state, and each attempt: on which worker, how
long, and how it ended; the last may be running, or assigned to a worker that
has no slot free for it yet, and since when. ID is task-0000000042 or 42.

Examples:
   mw status 42
   mw status -o json task-0000000042 | jq .runs`,
		Flags: globalFlags(),
		Action: func(c *cli.Context) error {
			if err := checkOutput(c); err != nil {
				return err
			}
			ids, client, err := openTasks(c, 1)
			if err != nil {
				return err
			}
			defer client.Close()
			t, attempts, err := client.Task(c.Context, ids[0])
			if err != nil {
				return err
			}
			var cur *current
			if t.State == submit.StateAssigned {
				if cur, err = findCurrent(c.Context, client.Handle(t.ID)); err != nil {
					return err
				}
			}
			switch global(c, "output") {
			case "json", "jsonl":
				return json.NewEncoder(c.App.Writer).Encode(newStatusJSON(t, attempts, cur))
			case "id":
				_, err := fmt.Fprintln(c.App.Writer, t.ID)
				return err
			}
			return printStatus(c.App.Writer, t, attempts, cur)
		},
	}
}

// current is the attempt that a worker has now.
type current struct {
	submit.Current
	running bool // its command has been started
}

// findCurrent asks the service, and for a second the worker, about the attempt
// that a worker has now. It is nil when none has one any more.
func findCurrent(ctx context.Context, h *submit.Handle) (*current, error) {
	cur, err := h.Current(ctx)
	if err != nil || cur.Worker == "" {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	running, _ := h.Running(asking) // one that cannot be asked: assigned is all we know
	return &current{Current: cur, running: running}, nil
}

// openTasks connects for the tasks that the arguments name, at most n of them unless
// that is 0. The caller closes the client.
func openTasks(c *cli.Context, n int) ([]coordinator.TaskID, *submit.Client, error) {
	ids, err := taskIDs(c, n)
	if err != nil {
		return nil, nil, err
	}
	client, err := openClient(c)
	return ids, client, err
}

// taskIDs reads the arguments as tasks: exactly n, or with n = 0 at least one.
func taskIDs(c *cli.Context, n int) ([]coordinator.TaskID, error) {
	args := c.Args().Slice()
	late := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-") })
	switch {
	case len(args) == 0:
		return nil, usagef(c, "%s needs the id of a task", c.Command.Name)
	case late > 0:
		return nil, usagef(c, "%q comes after an id: flags go before the ids", args[late])
	case n > 0 && len(args) > n:
		return nil, usagef(c, "%s takes one id, got %q too", c.Command.Name, args[n])
	}
	ids := make([]coordinator.TaskID, len(args))
	for i, arg := range args {
		var err error
		if ids[i], err = coordinator.ParseTaskID(arg); err != nil {
			return nil, usagef(c, "%q is no task id: want task-0000000042 or 42", arg)
		}
	}
	return ids, nil
}

func printStatus(w io.Writer, t submit.Task, attempts []submit.Attempt, cur *current) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(tw, "%s\t%s\n", name, plain(value))
		}
	}
	field("id", string(t.ID))
	field("state", short(t.State, 60))
	field("command", short(commandLine(t.Spec), 400))
	field("dir", short(t.Spec.Dir, 400))
	field("submitted", when(t.Submitted))
	field("ended", when(t.Ended))
	for _, a := range attempts {
		field("attempt "+strconv.Itoa(a.Number), attemptText(a.Attempt))
	}
	if cur != nil {
		field("attempt "+strconv.Itoa(cur.Number), currentText(*cur, time.Now()))
	}
	return tw.Flush()
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000")
}

// attemptText tells an attempt in one line.
func attemptText(a coordinator.Attempt) string {
	text := string(a.Outcome)
	switch {
	case a.Signal != "":
		text += " by " + a.Signal
	case a.Outcome == coordinator.OutcomeFailed && a.Error == "" && a.Exit != 0:
		text += " with exit code " + strconv.Itoa(a.Exit)
	}
	if a.Worker != "" {
		text += " on " + a.Worker
	}
	if !a.Started.IsZero() && !a.Ended.IsZero() {
		text += " after " + took(a.Ended.Sub(a.Started))
	}
	if a.Error != "" {
		text += ": " + short(a.Error, 300)
	}
	return text
}

// currentText tells the attempt that a worker has in one line.
func currentText(cur current, now time.Time) string {
	text := "assigned to " + cur.Worker
	if cur.running {
		text = "running on " + cur.Worker + ", assigned"
	}
	return fmt.Sprintf("%s %s ago, at %s", text, ago(cur.Assigned, now), when(cur.Assigned))
}

// statusJSON is a task with its attempts as JSON shows it.
type statusJSON struct {
	taskJSON
	Runs    []attemptJSON `json:"runs"`              // one for each finished attempt
	Current *currentJSON  `json:"current,omitempty"` // the one that a worker has now
}

type currentJSON struct {
	Number   int       `json:"attempt"`
	Worker   string    `json:"worker"`
	Assigned time.Time `json:"assigned"`
	Running  bool      `json:"running"` // false: it waits for a slot there, or the worker could not be asked
}

type attemptJSON struct {
	Number int `json:"attempt"`
	coordinator.Attempt
	Exit *int `json:"exit,omitempty"` // in place of the record's, see exited
}

func newStatusJSON(t submit.Task, attempts []submit.Attempt, cur *current) statusJSON {
	j := statusJSON{taskJSON: newTaskJSON(t), Runs: []attemptJSON{}}
	for _, a := range attempts {
		j.Runs = append(j.Runs, attemptJSON{Number: a.Number, Attempt: a.Attempt, Exit: exited(a.Attempt)})
	}
	if cur != nil {
		j.Current = &currentJSON{Number: cur.Number, Worker: cur.Worker, Assigned: cur.Assigned.UTC(), Running: cur.running}
	}
	return j
}
