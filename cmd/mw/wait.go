package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mwqueue/mw/submit"
	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"
)

func waitCommand() *cli.Command {
	return &cli.Command{
		Name:      "wait",
		Usage:     "wait until tasks have ended",
		UsageText: "mw wait [flags] ID…",
		Description: `Prints each task's id and final state as it is recorded. Waiting costs the
service one watch a task and no polling, and goes on through failovers.

With one ID, exits with the task's code as "mw submit" does; with several, with
0 if all are done and 1 if any is not; what cannot be waited for (125: there is
no such task) is said at once, and the others are waited for. 124: --timeout
passed first. Ctrl-C only ends the waiting.

Examples:
   mw wait 42
   mw ps --state waiting -o id | xargs -r mw wait --timeout 1h`,
		Flags: append([]cli.Flag{
			&cli.DurationFlag{Name: "timeout", Usage: "give up after `D`", DefaultText: "none"},
		}, serviceFlags()...),
		Action: func(c *cli.Context) error {
			if d := c.Duration("timeout"); d < 0 {
				return usagef(c, "--timeout is %s, must not be negative", d)
			}
			ids, client, err := openTasks(c, 0)
			if err != nil {
				return err
			}
			defer client.Close()
			ctx := c.Context
			if d := c.Duration("timeout"); d > 0 {
				timeout := &failure{err: fmt.Errorf("not ended after %s", d), code: exitTimedOut}
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeoutCause(ctx, d, timeout)
				defer cancel()
			}
			waiting, stop := context.WithCancel(ctx)
			defer stop()
			go hintAtObstacle(waiting, client, ids...) // ends with waiting
			handles := make([]*submit.Handle, len(ids))
			for i, id := range ids {
				handles[i] = client.Handle(id)
			}
			return waitAll(ctx, c, handles)
		},
	}
}

// waitAll prints each result as it comes and ends with the exit code of all.
func waitAll(ctx context.Context, c *cli.Context, handles []*submit.Handle) error {
	var (
		g      errgroup.Group
		mu     sync.Mutex // protects the codes and what is printed
		code   int
		failed int // the code of a wait that failed, of several
	)
	for _, h := range handles {
		g.Go(func() error {
			r, err := h.Wait(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && ctx.Err() == nil && len(handles) > 1 { // said now: the others may take hours
				note("%s", oneLine(err))
				failed = exitCode(err)
				return nil
			}
			if err != nil {
				return err
			}
			if text := r.Explain(); text != "" && len(handles) == 1 { // of several the line says enough
				note("%s", text)
			}
			if mine := r.ExitCode(); mine != 0 {
				code = mine
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s  %s\n", r.ID, short(string(r.Status), 60))
			return err
		})
	}
	err := g.Wait()
	if f, ok := errors.AsType[*failure](context.Cause(ctx)); ok && err != nil {
		return f
	}
	if err != nil {
		return err
	}
	if failed != 0 {
		return exit(failed)
	}
	if code != 0 && len(handles) > 1 {
		code = 1
	}
	return exit(code)
}
