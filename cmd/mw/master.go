package main

import (
	"time"

	"github.com/mwqueue/mw/master"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func masterCommand() *cli.Command {
	return &cli.Command{
		Name:      "master",
		Usage:     "assign tasks to workers; run several, one leads",
		UsageText: "mw master [flags]",
		Description: `Takes part in the election of the master. The one that leads assigns waiting
tasks to workers with free slots, oldest first, moves the tasks of workers that
died, carries out cancels, and deletes finished tasks. The others follow along
and take over at once when it stops, or when its session ends. Ends on SIGTERM,
SIGHUP or Ctrl-C, handing over to a standby. Keeps nothing on disk.

Examples:
   mw master & mw master &
   mw master --retention 24h --retain-tasks 50000`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "serve health and counts over HTTP on `ADDR`; port 0 takes a free one"},
			&cli.DurationFlag{Name: "retention", Value: time.Hour, Usage: "delete a task when it ended `D` ago"},
			&cli.IntFlag{Name: "retain-tasks", Value: 10_000, Usage: "keep at most `N` finished tasks, the newest"},
			&cli.IntFlag{Name: "max-lost", Value: 5, Usage: "a task becomes dead when `N` workers died of it; the third and later deaths count only when it ran alone"},
			insecureFlag(),
		}, serviceFlags()...),
		Action: func(c *cli.Context) error {
			cfg, err := masterConfig(c)
			if err != nil {
				return err
			}
			ctx, stop := untilHangup(c.Context)
			defer stop()
			m, err := master.New(cfg)
			if err != nil {
				return err
			}
			c.Context = ctx
			if err := reachable(c, cfg.Coordinator); err != nil {
				return ended(ctx, err)
			}
			return ended(ctx, m.Run(ctx))
		},
	}
}

func masterConfig(c *cli.Context) (master.Config, error) {
	cfg := master.Config{
		Listen:      c.String("listen"),
		Retention:   c.Duration("retention"),
		RetainTasks: c.Int("retain-tasks"),
		MaxLost:     c.Int("max-lost"),
	}
	if err := noArguments(c); err != nil {
		return cfg, err
	}
	if err := checkListen(c, cfg.Listen, "anyone there can see what the master does"); err != nil {
		return cfg, err
	}
	for _, name := range []string{"retain-tasks", "max-lost"} {
		if n := c.Int(name); n < 1 {
			return cfg, usagef(c, "--%s is %d, must be at least 1", name, n)
		}
	}
	if cfg.Retention <= 0 {
		return cfg, usagef(c, "--retention is %s, must be more than 0", cfg.Retention)
	}
	var err error
	if cfg.Log, err = logger(c, zerolog.InfoLevel); err != nil {
		return cfg, err
	}
	cfg.Coordinator, err = service(c, cfg.Log)
	return cfg, err
}
