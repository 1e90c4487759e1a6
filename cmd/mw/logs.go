package main

import (
	"errors"
	"io"

	"github.com/mwqueue/mw/submit"
	"github.com/urfave/cli/v2"
)

func logsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "show what a task printed",
		UsageText: "mw logs [flags] ID",
		Description: `Writes the task's stdout; with --stderr its stderr instead. For a task that has
ended it is the last attempt's: from the tree when all of it is there (16 KiB),
else from the worker's disk, as always for one that was cancelled. The worker
keeps the first 10 MiB of each output (its --output-limit) for a day; what is
missing between those and the last 16 KiB is said on stderr. For a task that
runs it is what its worker has so far, and with --follow also what comes until
it ends, attempt after attempt. --attempt asks for one of those that "mw status"
shows, which may not be the last.

Examples:
   mw logs 42
   mw logs --attempt 1 42
   mw logs -f --stderr 42 | grep -i warning`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the task has ended"},
			&cli.IntFlag{Name: "attempt", Usage: "show what attempt `N` printed", DefaultText: "the last"},
			&cli.BoolFlag{Name: "stderr", Usage: "show stderr instead of stdout"},
		}, serviceFlags()...),
		Action: func(c *cli.Context) error {
			number, wanted := c.Int("attempt"), c.IsSet("attempt")
			switch {
			case wanted && number < 1:
				return usagef(c, "--attempt is %d, must be at least 1", number)
			case wanted && c.Bool("follow"):
				return usagef(c, "--follow goes from attempt to attempt, --attempt shows one")
			}
			ids, client, err := openTasks(c, 1)
			if err != nil {
				return err
			}
			defer client.Close()
			stream := submit.Stdout
			if c.Bool("stderr") {
				stream = submit.Stderr
			}
			if wanted {
				return partial(client.Handle(ids[0]).AttemptOutput(c.Context, number, stream, c.App.Writer))
			}
			return showLogs(c, client.Handle(ids[0]), stream)
		},
	}
}

func showLogs(c *cli.Context, h *submit.Handle, stream submit.Stream) error {
	r, err := h.Result(c.Context)
	switch {
	case err == nil:
		return partial(h.Output(c.Context, r, stream, c.App.Writer))
	case !errors.Is(err, submit.ErrNotEnded):
		return err
	case !c.Bool("follow"):
		started, err := h.Peek(c.Context, stream, c.App.Writer)
		if err == nil && !started {
			note("%s has not started", h.ID())
		}
		return err
	}
	f := submit.Follower{Stdout: io.Discard, Stderr: io.Discard, Unreachable: noteUnreachable, Attempt: func(n int, worker string) {
		note("attempt %d of %s runs on %s", n, h.ID(), worker)
	}}
	if stream == submit.Stdout {
		f.Stdout = c.App.Writer
	} else {
		f.Stderr = c.App.Writer
	}
	_, err = h.Follow(c.Context, f)
	return partial(err)
}
