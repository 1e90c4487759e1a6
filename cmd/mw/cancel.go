package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/mwqueue/mw/submit"
	"github.com/urfave/cli/v2"
)

func cancelCommand() *cli.Command {
	return &cli.Command{
		Name:      "cancel",
		Usage:     "end tasks that have not ended",
		UsageText: "mw cancel [flags] ID…",
		Description: `Asks the master to cancel each task and prints its id once that is recorded: a
task that waits will not start, one that runs is stopped by its worker (SIGTERM,
then SIGKILL) and records nothing more. The request is itself a task, so it is
carried out even if this command is interrupted, and waits for a master when
there is none. A task that has ended already is left as it is: exit code 1.

Examples:
   mw cancel 42
   mw ps --state waiting -o id | xargs -r mw cancel`,
		Flags: serviceFlags(),
		Action: func(c *cli.Context) error {
			ids, client, err := openTasks(c, 0)
			if err != nil {
				return err
			}
			defer client.Close()
			waiting, stop := context.WithCancel(c.Context)
			defer stop()
			go func() { // ends with waiting
				if passed(waiting, hintAfter) {
					hintAtNoMaster(waiting, client, "the cancel waits until one does (mw master)")
				}
			}()
			ended := 0
			for _, id := range ids {
				err := client.Handle(id).Cancel(c.Context)
				switch {
				case err == nil:
					fmt.Fprintln(c.App.Writer, id)
				case errors.Is(err, submit.ErrFinal):
					note("%s has ended already", id)
					ended++
				default:
					return err
				}
			}
			if ended > 0 {
				return exit(1)
			}
			return nil
		},
	}
}
