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

func benchEnsembleCommand() *cli.Command {
	return &cli.Command{
		Name:      "ensemble",
		Usage:     "three servers beside three of Apache ZooKeeper, and the loss of a leader",
		UsageText: "mw bench ensemble [flags]",
		Description: `Runs an ensemble of three of this program's servers and one of Apache ZooKeeper
(Debian's package zookeeper, with the settings of its zoo.cfg) in turns, sends
both the same requests, and prints medians and ratios: creates and sets with
connections to all members, reads with connections to the followers, at two
numbers of connections × requests in flight.

Then the leader is killed (kill -9) again and again, and asked to end (SIGTERM),
while one client writes through another member and one through the leader itself;
they connect again at once if they have to: how long no write is acknowledged,
and what the client loses.
Everything takes ten minutes, on a machine that does nothing else.

Examples:
   mw bench ensemble
   mw bench ensemble --only kill,stop --kills 5
   mw bench ensemble --alone -o json`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "only", Usage: "measure only `NAMES`, with commas: " + strings.Join(zkbench.EnsembleRows, " ")},
			&cli.IntFlag{Name: "rounds", Value: 3, Usage: "measure each row `N` times"},
			&cli.DurationFlag{Name: "time", Value: 2 * time.Second, Usage: "measure each row for `TIME` in a round"},
			&cli.IntFlag{Name: "kills", Value: 30, Usage: "kill the leader `N` times"},
			&cli.IntFlag{Name: "stops", Value: 10, Usage: "ask the leader to end `N` times"},
			&cli.BoolFlag{Name: "alone", Usage: "without Apache ZooKeeper"},
			&cli.StringFlag{Name: "data", Usage: "measure the disk of `DIR`", DefaultText: "the temporary directory"},
			outputFlag(),
		}, logFlags()...),
		Action: func(c *cli.Context) error {
			cfg, err := benchEnsembleConfig(c)
			if err != nil {
				return err
			}
			r, err := zkbench.RunEnsemble(c.Context, cfg, func(step string) { note("%s…", step) })
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

func benchEnsembleConfig(c *cli.Context) (zkbench.EnsembleConfig, error) {
	cfg := zkbench.EnsembleConfig{
		Config: zkbench.Config{Rounds: c.Int("rounds"), Time: c.Duration("time"), Alone: c.Bool("alone"), Dir: c.String("data")},
		Kills:  c.Int("kills"), Stops: c.Int("stops"),
	}
	if err := noArguments(c); err != nil {
		return cfg, err
	}
	for _, name := range []string{"rounds", "kills", "stops"} {
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
		if !slices.Contains(zkbench.EnsembleRows, name) {
			return cfg, usagef(c, "--only has no %q; there are %s", name, strings.Join(zkbench.EnsembleRows, ", "))
		}
	}
	if err := checkOutput(c); err != nil {
		return cfg, err
	}
	var err error
	cfg.Program, err = os.Executable()
	return cfg, err
}
