package main

import (
	"fmt"
	"os"

	"github.com/mwqueue/mw/worker"
	"github.com/urfave/cli/v2"
)

func guardCommand() *cli.Command {
	return &cli.Command{
		Name:        "guard",
		Usage:       "hold a worker's commands; started by the worker",
		UsageText:   "mw guard",
		Description: "Reads what to run from stdin and reports on stdout. A worker starts two: the guard of\nits commands, and a sentinel for when both are killed. Not for people.",
		Hidden:      true,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return exit(worker.RunGuard(os.Stdin, os.Stdout))
		},
	}
}

// guardArgv starts this program again as a guard.
func guardArgv() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{self, "guard"}, nil
}
