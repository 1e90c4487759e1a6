package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/mwqueue/mw/worker"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:      "worker",
		Usage:     "run tasks on this machine",
		UsageText: "mw worker [flags]",
		Description: `Registers with the service, runs the tasks it is assigned, as many at once as it
has slots, and records each outcome. Its commands run in process groups of
their own, in an environment of PATH, HOME, LANG, USER, TMPDIR, the task's own
variables and MW_TASK_ID, MW_ATTEMPT, MW_FENCE, MW_WORKER, MW_QUEUE, MW_NAME (if
it has a name) and MW_DEADLINE (if it has a timeout). They end with it, however
it ends, and before the service can give their tasks to another worker.

The first SIGTERM, SIGHUP or Ctrl-C drains: it takes no more tasks, hands back
what has not started, and ends when what runs has ended. The second, not within
half a second, stops: commands get SIGTERM, after --grace SIGKILL, and their
tasks run elsewhere.

Output is kept below --data, up to --output-limit for each of stdout and stderr
of an attempt, and served over HTTP on --listen: on this machine alone unless
told otherwise. What is older than --output-age is removed, and the oldest when
all of it is larger than --output-total.

Examples:
   mw worker
   mw worker --name build1 --slots 8 --label disk=ssd`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "call the worker `NAME`, for people (default: the host's name)"},
			&cli.IntFlag{Name: "slots", Value: runtime.GOMAXPROCS(0), DefaultText: "one per CPU", Usage: "run `N` tasks at once"},
			&cli.StringSliceFlag{Name: "label", Usage: "show `K=V` in the registration; repeatable"},
			dataFlag("worker-NAME"),
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "serve output over HTTP on `ADDR`; port 0 takes a free one"},
			&cli.Int64Flag{Name: "output-limit", Value: 10 << 20, Usage: "keep the first `N` bytes of each output; the last 16 KiB are in the task's record"},
			&cli.Int64Flag{Name: "output-total", Value: 1 << 30, Usage: "keep `N` bytes of output of all ended attempts"},
			&cli.DurationFlag{Name: "output-age", Value: 24 * time.Hour, Usage: "keep output for `D` after its attempt has ended"},
			&cli.DurationFlag{Name: "grace", Value: 10 * time.Second, Usage: "give a command `D` between SIGTERM and SIGKILL"},
			insecureFlag(),
		}, serviceFlags()...),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			cfg, err := workerConfig(c)
			if err != nil {
				return err
			}
			signals := hearHangup(hear())
			defer signal.Stop(signals)
			w, err := worker.New(cfg)
			if err != nil {
				return err
			}
			if err := reachable(c, cfg.Coordinator); err != nil {
				return err
			}
			return runWorker(context.WithoutCancel(c.Context), signals, w, teller(c, cfg.Log))
		},
	}
}

func workerConfig(c *cli.Context) (worker.Config, error) {
	cfg := worker.Config{
		Name:        c.String("name"),
		Slots:       c.Int("slots"),
		Listen:      c.String("listen"),
		OutputLimit: c.Int64("output-limit"),
		OutputTotal: c.Int64("output-total"),
		OutputAge:   c.Duration("output-age"),
		StopGrace:   c.Duration("grace"),
		Version:     programVersion(),
	}
	if cfg.Slots < 1 {
		return cfg, usagef(c, "--slots is %d, must be at least 1", cfg.Slots)
	}
	for _, name := range []string{"output-limit", "output-total"} {
		if n := c.Int64(name); n < 1 {
			return cfg, usagef(c, "--%s is %d, must be at least 1", name, n)
		}
	}
	for _, name := range []string{"output-age", "grace"} {
		if d := c.Duration(name); d <= 0 {
			return cfg, usagef(c, "--%s is %s, must be more than 0", name, d)
		}
	}
	if err := checkListen(c, cfg.Listen, "anyone there can read what tasks print"); err != nil {
		return cfg, err
	}
	for _, pair := range c.StringSlice("label") {
		k, v, ok := strings.Cut(pair, "=")
		if !ok || k == "" {
			return cfg, usagef(c, "--label %q is not K=V", pair)
		}
		if cfg.Labels == nil {
			cfg.Labels = make(map[string]string)
		}
		cfg.Labels[k] = v
	}
	var err error
	if cfg.Name == "" {
		if cfg.Name, err = os.Hostname(); err != nil {
			return cfg, fmt.Errorf("find the host's name: %w", err)
		}
	}
	if strings.ContainsAny(cfg.Name, "/\x00") || cfg.Name == "." || cfg.Name == ".." {
		return cfg, usagef(c, "--name %q cannot name a znode", cfg.Name)
	}
	if cfg.Dir, err = dataDir(c, "worker-"+cfg.Name); err != nil {
		return cfg, err
	}
	if cfg.Guard, err = guardArgv(); err != nil {
		return cfg, err
	}
	if cfg.Log, err = logger(c, zerolog.InfoLevel); err != nil {
		return cfg, err
	}
	cfg.Coordinator, err = service(c, cfg.Log)
	return cfg, err
}

// runWorker runs w until it has drained, which the first signal asks for; the
// second stops it, the third kills it. tell says so. ctx must not end with a signal.
func runWorker(ctx context.Context, signals chan os.Signal, w *worker.Worker, tell func(string)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	drain := make(chan struct{})
	go func() { // ends with ctx
		if arrived(ctx, signals) == nil {
			return
		}
		tell("draining: no more tasks, waiting for those that run; again stops them")
		close(drain)
		if arrivedAgain(ctx, signals) == nil {
			return
		}
		tell("stopping what runs; again kills")
		killSoon(signals)
		stop()
	}()
	return ended(ctx, w.Run(ctx, drain))
}
