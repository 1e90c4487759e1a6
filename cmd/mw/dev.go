package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mwqueue/mw/local"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func devCommand() *cli.Command {
	return &cli.Command{
		Name:      "dev",
		Usage:     "run server, masters and workers in one process, to try things out",
		UsageText: "mw dev [flags]",
		Description: `Runs a coordination server, two masters and some workers, and prints where they
are and what to type in another terminal. Ctrl-C ends all of it, and so does the
end of its terminal (SIGHUP) without nohup; commands have 10 seconds to end, or
until Ctrl-C comes again. Without --data everything is forgotten then.

Examples:
   mw dev
   mw dev --workers 5 --slots 2 --data ~/mw-dev
   mw dev --listen 127.0.0.1:0     beside another server`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "workers", Value: 3, Usage: "run `N` workers"},
			&cli.IntFlag{Name: "slots", Value: 2, Usage: "give each worker `N` slots"},
			&cli.StringFlag{Name: "data", Usage: "keep data in `DIR`", DefaultText: "a temporary directory, removed at the end"},
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:2181", Usage: "serve on `ADDR`; port 0 takes a free one"},
			insecureFlag(),
		}, logFlags()...),
		Action: func(c *cli.Context) (err error) {
			if err := noArguments(c); err != nil {
				return err
			}
			cfg, err := devConfig(c)
			if err != nil {
				return err
			}
			ctx, stop := untilHangup(c.Context)
			defer stop()
			if cfg.Dir == "" {
				if cfg.Dir, err = os.MkdirTemp("", "mw-dev-"); err != nil {
					return err
				}
				defer os.RemoveAll(cfg.Dir)
			}
			q, err := local.Open(cfg)
			if err != nil {
				return hinted(err, "--listen 127.0.0.1:0 takes a free port, --data another directory")
			}
			tell := teller(c, cfg.Log.Level(zerolog.InfoLevel))
			quiet := context.AfterFunc(ctx, func() { tell("stopping: commands have 10s to end; Ctrl-C again kills") })
			defer quiet()
			printDev(c.App.Writer, cfg, q.Coordinator().Servers[0])
			return ended(ctx, q.Run(ctx))
		},
	}
}

func devConfig(c *cli.Context) (local.Config, error) {
	cfg := local.Config{
		Listen:  c.String("listen"),
		Masters: 2,
		Workers: c.Int("workers"),
		Slots:   c.Int("slots"),
	}
	for _, name := range []string{"workers", "slots"} {
		if n := c.Int(name); n < 1 {
			return cfg, usagef(c, "--%s is %d, must be at least 1", name, n)
		}
	}
	err := checkListen(c, cfg.Listen, "anyone there can run commands here")
	if err != nil {
		return cfg, err
	}
	if dir := c.String("data"); dir != "" {
		if cfg.Dir, err = filepath.Abs(dir); err != nil {
			return cfg, err
		}
	}
	if cfg.Guard, err = guardArgv(); err != nil {
		return cfg, err
	}
	cfg.Log, err = logger(c, zerolog.WarnLevel)
	return cfg, err
}

// printDev says what runs and what to type.
func printDev(w io.Writer, cfg local.Config, addr string) {
	fmt.Fprintf(w, "server    %s\n", addr)
	fmt.Fprintf(w, "masters   %d: one leads, one stands by\n", cfg.Masters)
	fmt.Fprintf(w, "workers   %d with %d slots each\n", cfg.Workers, cfg.Slots)
	fmt.Fprintf(w, "data      %s\n\nIn another terminal:\n", cfg.Dir)
	if addr != "127.0.0.1:2181" {
		fmt.Fprintf(w, "   export MW_SERVERS=%s\n", addr)
	}
	fmt.Fprint(w, `   mw submit 'echo hello from $MW_WORKER'
   mw submit --detach 'sleep 30; echo done'
   mw ps
   mw workers

Ctrl-C here ends all of it.
`)
}
