package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/zkbench"
	"github.com/urfave/cli/v2"
)

func benchSoakCommand() *cli.Command {
	return &cli.Command{
		Name:      "soak",
		Usage:     "whether the coordination server stays as it is for hours",
		UsageText: "mw bench soak [flags]",
		Description: `Runs this program's server and sends it a mixed load at a fixed rate: reads,
watches, writes, znodes that are made and deleted again, sessions that come and
go, some of them without a word. The tree stays as large as it is. Every minute
it prints requests a second, latency from when a request was due, and the
server's memory, open files and data directory. In the end it says whether they
are flat and the latency steady, and exits with 1 if not. The first quarter
of the time does not count.

With --servers it soaks servers that run already, in a folder that it
removes again, and knows nothing of their memory and files.

Examples:
   mw bench soak
   mw bench soak --time 10m --every 10s --rate 5000 --data /var/lib/mw`,
		Flags: append([]cli.Flag{
			&cli.DurationFlag{Name: "time", Value: time.Hour, Usage: "go on for `TIME`"},
			&cli.DurationFlag{Name: "every", Value: time.Minute, Usage: "print a line every `TIME`"},
			&cli.IntFlag{Name: "rate", Value: 2000, Usage: "send `N` requests a second"},
			&cli.IntFlag{Name: "conns", Value: 32, Usage: "from `N` connections"},
			&cli.StringFlag{Name: "servers", Usage: "soak the servers at `HOST:PORT,…` in place of one of its own"},
			&cli.StringFlag{Name: "data", Usage: "use the disk of `DIR`", DefaultText: "the temporary directory"},
			outputFlag(),
		}, logFlags()...),
		Action: soakAction,
	}
}

func soakAction(c *cli.Context) error {
	cfg, err := soakConfig(c)
	if err != nil {
		return err
	}
	out := c.App.Writer
	tell := func(s zkbench.Sample) { printSample(out, s) }
	format := global(c, "output")
	if format == "json" || format == "jsonl" {
		lines := json.NewEncoder(out)
		tell = func(s zkbench.Sample) { _ = lines.Encode(s) }
	} else {
		fmt.Fprintln(out, sampleHead)
	}
	samples, err := zkbench.Soak(c.Context, cfg, tell)
	if err != nil {
		return err
	}
	v, ok := zkbench.Judge(samples)
	if !ok {
		note("%d samples are too few to say whether it is steady", len(samples))
		return nil
	}
	if format == "json" || format == "jsonl" {
		err = json.NewEncoder(out).Encode(v)
	} else {
		_, err = fmt.Fprintln(out, strings.Join(v.Reasons, "\n"))
	}
	if err == nil && !v.Steady {
		err = &failure{err: errors.New("the server does not stay as it is"), code: 1}
	}
	return err
}

func soakConfig(c *cli.Context) (zkbench.SoakConfig, error) {
	cfg := zkbench.SoakConfig{
		Time: c.Duration("time"), Every: c.Duration("every"), Rate: c.Int("rate"), Conns: c.Int("conns"), Dir: c.String("data"),
	}
	if err := noArguments(c); err != nil {
		return cfg, err
	}
	for _, name := range []string{"rate", "conns"} {
		if n := c.Int(name); n < 1 {
			return cfg, usagef(c, "--%s is %d, must be at least 1", name, n)
		}
	}
	if cfg.Every < 10*time.Millisecond || cfg.Time < cfg.Every {
		return cfg, usagef(c, "--time is %v and --every %v: every must be at least 10ms, and time no less", cfg.Time, cfg.Every)
	}
	if servers := c.String("servers"); servers != "" {
		cfg.Servers = strings.Split(servers, ",")
	}
	if err := checkOutput(c); err != nil {
		return cfg, err
	}
	var err error
	cfg.Program, err = os.Executable()
	return cfg, err
}

const sampleHead = "      time    req/s       p50       p99   events  sessions  memory MiB  open files  data MiB  data files"

func printSample(w io.Writer, s zkbench.Sample) {
	const mib = 1 << 20
	fmt.Fprintf(w, "%10v %8.0f %9s %9s %8d %9d %11.1f %11d %9.1f %11d\n", s.At.Round(time.Second/10), s.PerSecond, millis(s.P50), millis(s.P99),
		s.Events, s.Sessions, float64(s.Resident)/mib, s.OpenFiles, float64(s.DataBytes)/mib, s.DataFiles)
}
