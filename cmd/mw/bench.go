package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mwqueue/mw/bench"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "measure mw on this machine",
		UsageText: "mw bench queue|server|ensemble|soak [flags]",
		Description: `Runs what it measures itself and needs no server. "server" and "ensemble" start
Apache ZooKeeper as well, unless told --alone.

Examples:
   mw bench queue
   mw bench server --alone`,
		Subcommands: []*cli.Command{benchQueueCommand(), benchServerCommand(), benchEnsembleCommand(), benchSoakCommand()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return usagef(c, "bench needs to know what to measure: queue, server, ensemble or soak")
		},
	}
}

func benchQueueCommand() *cli.Command {
	return &cli.Command{
		Name:      "queue",
		Usage:     "tasks a second and latency, beside the machine's own numbers",
		UsageText: "mw bench queue [flags]",
		Description: `Starts a server, a master and workers in this process, which meet over TCP on
loopback, and a client. The server syncs every write to disk before it answers.
Measures tasks a second from submit to recorded status, for tasks that a Go
handler in the worker answers at once and for /bin/true as a command, and the
time from submit to result: on an idle queue, and with every slot busy. Beside
them, in the same run, what the machine does without a queue: one sync of the
disk, and processes a second.

All of that twice: on an empty tree, and on one with finished tasks, as there
are in a queue that has run for a while. A master keeps 10,000 of them and
deletes older ones, here as everywhere; with --retained N above that, it keeps N.

Examples:
   mw bench queue
   mw bench queue --retained 0 --tasks 50000 --data /var/lib/mw`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "tasks", Value: 10_000, Usage: "run `N` no-op tasks, and a fifth as many commands"},
			&cli.IntFlag{Name: "retained", Value: 10_000, Usage: "measure again with `N` finished tasks in the tree; 0: do not"},
			&cli.IntFlag{Name: "workers", Value: 2, Usage: "run `N` workers"},
			&cli.IntFlag{Name: "slots", Value: 8, Usage: "give each worker `N` slots"},
			&cli.StringFlag{Name: "data", Usage: "measure the disk of `DIR`", DefaultText: "the temporary directory"},
			outputFlag(),
		}, logFlags()...),
		Action: func(c *cli.Context) error {
			cfg, err := benchConfig(c)
			if err != nil {
				return err
			}
			r, err := bench.Queue(c.Context, cfg, func(step string) { note("%s…", step) })
			if err != nil {
				return err
			}
			switch global(c, "output") {
			case "json", "jsonl":
				return json.NewEncoder(c.App.Writer).Encode(r)
			}
			return printBench(c.App.Writer, r)
		},
	}
}

func benchConfig(c *cli.Context) (bench.Config, error) {
	cfg := bench.Config{
		Tasks: c.Int("tasks"), Retained: c.Int("retained"),
		Workers: c.Int("workers"), Slots: c.Int("slots"), Dir: c.String("data"),
	}
	if err := noArguments(c); err != nil {
		return cfg, err
	}
	for _, name := range []string{"tasks", "workers", "slots"} {
		if n := c.Int(name); n < 1 {
			return cfg, usagef(c, "--%s is %d, must be at least 1", name, n)
		}
	}
	switch {
	case cfg.Retained < 0:
		return cfg, usagef(c, "--retained is %d, must not be negative", cfg.Retained)
	case cfg.Retained == 0:
		cfg.Retained = -1
	}
	if err := checkOutput(c); err != nil {
		return cfg, err
	}
	var err error
	if cfg.Log, err = logger(c, zerolog.ErrorLevel); err != nil {
		return cfg, err
	}
	cfg.Guard, err = guardArgv()
	return cfg, err
}

// printBench writes what was measured as a table: on an empty tree, with
// finished tasks, and how.
func printBench(w io.Writer, r bench.Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(tw, strings.Join(cells, "\t")) }
	both := func(what string, cell func(bench.Figures) string, how string) {
		if r.Retained == nil {
			row(what, cell(r.Figures), how)
			return
		}
		row(what, cell(r.Figures), cell(r.Retained.Figures), how)
	}
	if r.Retained != nil {
		row("", "empty tree", fmt.Sprintf("%d finished tasks", r.Retained.Tasks), "")
	}
	both("no-op tasks", func(f bench.Figures) string { return rate(f.NoOp) },
		fmt.Sprintf("%d tasks for a Go handler, submit to recorded status", r.NoOp.Count))
	both("/bin/true tasks", func(f bench.Figures) string { return rate(f.Command) },
		fmt.Sprintf("%d tasks, the same with a process each", r.Command.Count))
	both("idle latency", func(f bench.Figures) string { return latency(f.Idle) },
		fmt.Sprintf("submit to result, %d no-op tasks one by one", r.Idle.Count))
	both("busy latency", func(f bench.Figures) string { return latency(f.Busy) },
		fmt.Sprintf("the same, %d /bin/true tasks, %d at a time", r.Busy.Count, r.Workers*r.Slots))
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
without a queue: %s plain fork/exec of /bin/true, %s for a sync of 4 KiB, on %d CPUs
%d workers with %d slots, in one process with server, master and client
`, rate(r.ForkExec), latency(r.Sync), runtime.GOMAXPROCS(0), r.Workers, r.Slots)
	return err
}

func rate(r bench.Rate) string { return fmt.Sprintf("%.0f/s", r.PerSecond()) }

func latency(l bench.Latency) string {
	return fmt.Sprintf("p50 %s p99 %s", millis(l.P50), millis(l.P99))
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2fms", float64(d)/float64(time.Millisecond))
}
