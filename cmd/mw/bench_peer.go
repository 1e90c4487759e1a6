package main

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/zkbench"
	"github.com/urfave/cli/v2"
)

// peerFlags are the flags of the benchmarks that hold our servers beside Apache
// ZooKeeper's, with those of one benchmark in their midst.
func peerFlags(rows []string, own ...cli.Flag) []cli.Flag {
	return slices.Concat([]cli.Flag{
		&cli.StringFlag{Name: "only", Usage: "measure only `NAMES`, with commas: " + strings.Join(rows, " ")},
		&cli.IntFlag{Name: "rounds", Value: 3, Usage: "measure each row `N` times"},
		&cli.DurationFlag{Name: "time", Value: 2 * time.Second, Usage: "measure each row for `TIME` in a round"},
	}, own, []cli.Flag{
		&cli.BoolFlag{Name: "alone", Usage: "without Apache ZooKeeper"},
		&cli.StringFlag{Name: "data", Usage: "measure the disk of `DIR`", DefaultText: "the temporary directory"},
		outputFlag(),
	}, logFlags())
}

// peerConfig reads the flags of peerFlags. Those named in counts must be above 0.
func peerConfig(c *cli.Context, rows []string, counts ...string) (zkbench.Config, error) {
	cfg := zkbench.Config{Rounds: c.Int("rounds"), Time: c.Duration("time"), Alone: c.Bool("alone"), Dir: c.String("data")}
	if err := noArguments(c); err != nil {
		return cfg, err
	}
	for _, name := range append([]string{"rounds"}, counts...) {
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
		if !slices.Contains(rows, name) {
			return cfg, usagef(c, "--only has no %q; there are %s", name, strings.Join(rows, ", "))
		}
	}
	if err := checkOutput(c); err != nil {
		return cfg, err
	}
	var err error
	cfg.Program, err = os.Executable()
	return cfg, err
}

// printReport shows what was measured.
func printReport(c *cli.Context, r interface{ Print(w io.Writer) error }) error {
	switch global(c, "output") {
	case "json", "jsonl":
		return json.NewEncoder(c.App.Writer).Encode(r)
	}
	return r.Print(c.App.Writer)
}

// sayStep tells on stderr what is being measured.
func sayStep(step string) { note("%s…", step) }
