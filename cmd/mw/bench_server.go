package main

import (
	"github.com/mwqueue/mw/zkserver/zkbench"
	"github.com/urfave/cli/v2"
)

// benchRows are the names that "mw bench server --only" takes.
var benchRows = []string{"create", "set", "get", "exists", "children", "mix", "multi", "connect", "watch", "snapshot", "start", "tree"}

func benchServerCommand() *cli.Command {
	return &cli.Command{
		Name:      "server",
		Usage:     "the coordination server beside Apache ZooKeeper",
		UsageText: "mw bench server [flags]",
		Description: `Runs this program's server and Apache ZooKeeper (Debian's package zookeeper, with
its default settings) in turns, sends both the same requests, and prints medians
and ratios: requests a second, latency and the server's CPU time for each
operation at several numbers of connections × requests in flight; new sessions;
one change that thousands hear of; creates and sets while snapshots of a large
tree are written, and without; start; and memory and start with a million znodes.
Everything takes a quarter of an hour, on a machine that does nothing else.

Examples:
   mw bench server
   mw bench server --only set,get --rounds 5
   mw bench server --alone -o json`,
		Flags: peerFlags(benchRows,
			&cli.IntFlag{Name: "znodes", Value: 1_000_000, Usage: "make `N` znodes for the large tree, and a fifth of that for the snapshots"},
			&cli.IntFlag{Name: "watchers", Value: 10_000, Usage: "let `N` connections hear of one change"},
		),
		Action: func(c *cli.Context) error {
			cfg, err := peerConfig(c, benchRows, "znodes", "watchers")
			if err != nil {
				return err
			}
			cfg.Znodes, cfg.Watchers = c.Int("znodes"), c.Int("watchers")
			r, err := zkbench.Run(c.Context, cfg, sayStep)
			if err != nil {
				return err
			}
			return printReport(c, r)
		},
	}
}
