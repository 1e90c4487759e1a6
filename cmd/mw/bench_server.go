package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"time"

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
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "only", Usage: "measure only `NAMES`, with commas: " + strings.Join(benchRows, " ")},
			&cli.IntFlag{Name: "rounds", Value: 3, Usage: "measure everything `N` times"},
			&cli.DurationFlag{Name: "time", Value: 2 * time.Second, Usage: "measure each row for `TIME` in a round"},
			&cli.IntFlag{Name: "znodes", Value: 1_000_000, Usage: "make `N` znodes for the large tree, and a fifth of that for the snapshots"},
			&cli.IntFlag{Name: "watchers", Value: 10_000, Usage: "let `N` connections hear of one change"},
			&cli.BoolFlag{Name: "alone", Usage: "without Apache ZooKeeper"},
			&cli.StringFlag{Name: "data", Usage: "measure the disk of `DIR`", DefaultText: "the temporary directory"},
			outputFlag(),
		}, logFlags()...),
		Action: func(c *cli.Context) error {
			cfg, err := benchServerConfig(c)
			if err != nil {
				return err
			}
			r, err := zkbench.Run(c.Context, cfg, func(step string) { note("%s…", step) })
			if err != nil {
				return err
			}
			switch global(c, "output") {
			case "json", "jsonl":
				return json.NewEncoder(c.App.Writer).Encode(r)
			}
			return r.Print(c.App.Writer)
		},
	}
}

func benchServerConfig(c *cli.Context) (zkbench.Config, error) {
	cfg := zkbench.Config{
		Rounds: c.Int("rounds"), Time: c.Duration("time"), Znodes: c.Int("znodes"), Watchers: c.Int("watchers"),
		Alone: c.Bool("alone"), Dir: c.String("data"),
	}
	if err := noArguments(c); err != nil {
		return cfg, err
	}
	for _, name := range []string{"rounds", "znodes", "watchers"} {
		if n := c.Int(name); n < 1 {
			return cfg, usagef(c, "--%s is %d, must be at least 1", name, n)
		}
	}
	if cfg.Time < 10*time.Millisecond {
		return cfg, usagef(c, "--time is %v, must be at least 10ms", cfg.Time)
	}
	if only := c.String("only"); only != "" {
		cfg.Rows = strings.Split(only, ",")
	}
	for _, name := range cfg.Rows {
		if !slices.Contains(benchRows, name) {
			return cfg, usagef(c, "--only has no %q; there are %s", name, strings.Join(benchRows, ", "))
		}
	}
	if err := checkOutput(c); err != nil {
		return cfg, err
	}
	var err error
	cfg.Program, err = os.Executable()
	return cfg, err
}
