package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/urfave/cli/v2"
)

// states are what --state may name.
var states = []string{
	submit.StateWaiting, submit.StateAssigned,
	string(coordinator.StatusDone), string(coordinator.StatusFailed), string(coordinator.StatusTimedOut),
	string(coordinator.StatusCancelled), string(coordinator.StatusDead),
	submit.StateUnreadable,
}

func psCommand() *cli.Command {
	return &cli.Command{
		Name:      "ps",
		Usage:     "list tasks: what waits, what runs where, what ended how",
		UsageText: "mw ps [flags]",
		Description: `Lists the newest tasks and, however old, those assigned to a worker. A task is
waiting, assigned, done, failed, timed_out, cancelled, or dead (its workers
kept dying). With --state or --name it lists matching ones among the newest
5,000. Finished tasks are deleted after a while; see "mw master --help".

Examples:
   mw ps
   mw ps --state failed -n 10
   mw ps -o json | jq '.[] | select(.attempts > 1)'
   mw ps --state waiting -o id | xargs -r mw cancel`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "limit", Aliases: []string{"n"}, Value: 50, Usage: "list at most `N` tasks, and those assigned"},
			&cli.StringSliceFlag{Name: "state", Aliases: []string{"s"}, Usage: "list tasks in `STATE`; repeatable"},
			&cli.StringFlag{Name: "name", Usage: "list tasks called `NAME`"},
		}, globalFlags()...),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			q := submit.Query{Limit: c.Int("limit"), States: c.StringSlice("state"), Name: c.String("name")}
			if q.Limit < 1 {
				return usagef(c, "--limit is %d, must be at least 1", q.Limit)
			}
			for _, s := range q.States {
				if !slices.Contains(states, s) {
					return usagef(c, "--state: %q is none of %s", s, strings.Join(states, ", "))
				}
			}
			if err := checkOutput(c); err != nil {
				return err
			}
			client, err := openClient(c)
			if err != nil {
				return err
			}
			defer client.Close()
			l, err := client.Tasks(c.Context, q)
			if err != nil {
				return err
			}
			if l.More && global(c, "output") != "id" {
				note("%s", leftOut(q, l))
			}
			return taskListing(l.Tasks).print(c)
		},
	}
}

// leftOut says what a listing may lack, and what to do about it if that helps.
func leftOut(q submit.Query, l submit.Listing) string {
	switch {
	case len(q.States) == 0 && q.Name == "":
		return fmt.Sprintf("%d listed, the newest of %d tasks and those assigned; -n lists more", len(l.Tasks), l.Total)
	case len(l.Tasks) >= q.Limit:
		return fmt.Sprintf("%d listed, the newest that match; -n lists more", len(l.Tasks))
	}
	return fmt.Sprintf("%d listed, all that match among the newest %d of %d tasks; older ones were not looked at", len(l.Tasks), l.Read, l.Total)
}

func taskListing(tasks []submit.Task) listing[submit.Task] {
	now := time.Now()
	return listing[submit.Task]{
		rows:   tasks,
		header: []string{"ID", "STATE", "EXIT", "ATTEMPTS", "WORKER", "AGE", "COMMAND"},
		cells: func(t submit.Task) []string {
			return []string{
				string(t.ID), short(t.State, 20), exitText(t), strconv.Itoa(t.Attempts), t.Worker,
				ago(t.Submitted, now), short(commandLine(t.Spec), 60),
			}
		},
		id:   func(t submit.Task) string { return string(t.ID) },
		json: func(t submit.Task) any { return newTaskJSON(t) },
	}
}

// exitText is the exit code of a task that ended with one.
func exitText(t submit.Task) string {
	if code := exited(t.Last); code != nil && !t.Ended.IsZero() {
		return strconv.Itoa(*code)
	}
	return ""
}

// exited is the exit code an attempt ended with by itself, nil if it did not:
// a zero in the record of any other outcome means nothing.
func exited(a coordinator.Attempt) *int {
	switch a.Outcome {
	case coordinator.OutcomeDone:
		return &a.Exit
	case coordinator.OutcomeFailed, coordinator.OutcomeTimedOut:
		if a.Exit != 0 {
			return &a.Exit
		}
	}
	return nil
}

// commandLine shows what a task runs.
func commandLine(s coordinator.Spec) string {
	var text string
	switch {
	case s.Control != "":
		text = "(" + s.Control + " " + string(s.Task) + ")"
	case s.Handler != "":
		text = "(handler " + s.Handler + ")"
	case len(s.Argv) > 0:
		text = strings.Join(s.Argv, " ")
	default:
		text = s.Shell
	}
	if s.Name != "" {
		text = s.Name + ": " + text
	}
	return text
}

// taskJSON is a task as JSON shows it.
type taskJSON struct {
	ID        string           `json:"id"`
	State     string           `json:"state"`
	Worker    string           `json:"worker,omitempty"`
	Attempts  int              `json:"attempts"`
	Exit      *int             `json:"exit,omitempty"` // of the last attempt, if it exited and the task has ended
	Submitted time.Time        `json:"submitted"`
	Ended     time.Time        `json:"ended,omitzero"`
	Spec      coordinator.Spec `json:"spec"`
}

func newTaskJSON(t submit.Task) taskJSON {
	j := taskJSON{
		ID: string(t.ID), State: t.State, Worker: t.Worker, Attempts: t.Attempts,
		Submitted: t.Submitted.UTC(), Spec: t.Spec,
	}
	if !t.Ended.IsZero() {
		j.Ended, j.Exit = t.Ended.UTC(), exited(t.Last)
	}
	return j
}
