package main

import (
	"errors"
	"fmt"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/urfave/cli/v2"
)

func retryCommand() *cli.Command {
	return &cli.Command{
		Name:      "retry",
		Usage:     "submit tasks that have ended once more",
		UsageText: "mw retry [flags] ID…",
		Description: `Submits what each task ran as a new task, with the same name, variables,
directory and timeout, but without its key, and prints the new id. The old task
stays as it ended. One that has not ended is left alone: exit code 1. One whose
record is deleted already cannot be retried; see "mw master --help".

Examples:
   mw retry 42
   mw wait $(mw retry 42)
   mw ps --state dead -o id | xargs -r mw retry`,
		Flags: serviceFlags(),
		Action: func(c *cli.Context) error {
			ids, client, err := openTasks(c, 0)
			if err != nil {
				return err
			}
			defer client.Close()
			left := 0
			for _, id := range ids {
				err := retry(c, client, id)
				if errors.Is(err, submit.ErrNotEnded) {
					note("%s has not ended", id)
					left++
				} else if err != nil {
					return err
				}
			}
			if left > 0 {
				return exit(1)
			}
			return nil
		},
	}
}

// retry submits a task anew and prints the new one's id. The error is
// [submit.ErrNotEnded] when the old one may still end well.
func retry(c *cli.Context, client *submit.Client, id coordinator.TaskID) error {
	t, _, err := client.Task(c.Context, id)
	switch {
	case err != nil:
		return err
	case t.Spec.Control != "":
		return &failure{err: fmt.Errorf("%s is a request to %s %s, no command", id, t.Spec.Control, t.Spec.Task), code: exitFailed}
	case t.Ended.IsZero():
		return submit.ErrNotEnded
	}
	t.Spec.Key = ""
	h, err := client.Submit(c.Context, t.Spec)
	if errors.Is(err, coordinator.ErrUnknownOutcome) {
		return hinted(err, `"mw ps" shows whether %s has been submitted anew`, id)
	}
	if err != nil {
		return fmt.Errorf("retry %s: %w", id, err)
	}
	_, err = fmt.Fprintln(c.App.Writer, h.ID())
	return err
}
