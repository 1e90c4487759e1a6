package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
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
		UsageText: "mw bench queue [flags]",
		Description: `Runs what it measures itself and needs no server.

Example:
   mw bench queue`,
		Subcommands: []*cli.Command{benchQueueCommand()},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef(c, "there is no benchmark %q", c.Args().First())
			}
			return usagef(c, "bench needs to know what to measure: queue")
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
time from submit to result on an idle queue. Beside them, in the same run, what
the machine does without a queue: one sync of the disk, and processes a second.

Examples:
   mw bench queue
   mw bench queue --tasks 50000 --data /var/lib/mw`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "tasks", Value: 10_000, Usage: "run `N` no-op tasks, and a fifth as many commands"},
			&cli.IntFlag{Name: "workers", Value: 2, Usage: "run `N` workers"},
			&cli.IntFlag{Name: "slots", Value: 8, Usage: "give each worker `N` slots"},
			&cli.StringFlag{Name: "data", Usage: "measure the disk of `DIR`", DefaultText: "the temporary directory"},
			outputFlag(),
		}, logFlags()...),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			for _, name := range []string{"tasks", "workers", "slots"} {
				if n := c.Int(name); n < 1 {
					return usagef(c, "--%s is %d, must be at least 1", name, n)
				}
			}
			if err := checkOutput(c); err != nil {
				return err
			}
			log, err := logger(c, zerolog.ErrorLevel)
			if err != nil {
				return err
			}
			guard, err := guardArgv()
			if err != nil {
				return err
			}
			r, err := bench.Queue(c.Context, bench.Config{
				Tasks: c.Int("tasks"), Workers: c.Int("workers"), Slots: c.Int("slots"), Dir: c.String("data"),
				Guard: guard, Log: log,
			}, func(step string) { note("%s…", step) })
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

func printBench(w io.Writer, r bench.Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what, number, how string, args ...any) {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", what, number, fmt.Sprintf(how, args...))
	}
	rate := func(r bench.Rate) string { return fmt.Sprintf("%.0f/s", r.PerSecond()) }
	latency := func(l bench.Latency) string {
		return fmt.Sprintf("p50 %s  p99 %s", millis(l.P50), millis(l.P99))
	}
	row("no-op tasks", rate(r.NoOp), "%d tasks for a Go handler, submit to recorded status in %s", r.NoOp.Count, took(r.NoOp.Took))
	row("/bin/true tasks", rate(r.Command), "%d tasks, the same with a process each", r.Command.Count)
	row("plain fork/exec", rate(r.ForkExec), "/bin/true without a queue, on %d CPUs", runtime.GOMAXPROCS(0))
	row("idle latency", latency(r.Idle), "submit to result, %d no-op tasks one by one", r.Idle.Count)
	row("disk sync", latency(r.Sync), "4 KiB appended and synced, without a queue")
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d workers with %d slots, in one process with server, master and client\n", r.Workers, r.Slots)
	return err
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2fms", float64(d)/float64(time.Millisecond))
}
