package main

import (
	"fmt"

	"github.com/mwqueue/mw/zkserver"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func serverCommand() *cli.Command {
	return &cli.Command{
		Name:      "server",
		Usage:     "run the coordination server, which speaks ZooKeeper's protocol",
		UsageText: "mw server [flags]",
		Description: `Serves the tree of znodes through which clients, masters and workers meet, to mw
and to any ZooKeeper client. What it has acknowledged is on disk; it may be
killed at any time and started again on the same directory. Prints the address
once it listens. Ends on SIGTERM or Ctrl-C.

Whoever can reach it can submit commands to every worker, so it listens on this
machine only, unless told to do otherwise with --insecure.

Examples:
   mw server
   mw server --listen 127.0.0.1:2182 --data /var/lib/mw/server
   mw server --listen 0.0.0.0:2181 --insecure     in a closed network`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:2181", Usage: "serve on `ADDR`; port 0 takes a free one"},
			dataFlag("server"),
			insecureFlag(),
		}, logFlags()...),
		Subcommands: []*cli.Command{
			serverBackupCommand(),
			serverRestoreCommand(),
			serverImportCommand(),
			serverExportCommand(),
		},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := checkListen(c, c.String("listen"), "anyone there can run commands on every worker"); err != nil {
				return err
			}
			log, err := logger(c, zerolog.InfoLevel)
			if err != nil {
				return err
			}
			dir, err := dataDir(c, "server")
			if err != nil {
				return err
			}
			s, err := zkserver.Open(zkserver.Config{Listen: c.String("listen"), Dir: dir, Log: log, Control: true})
			if err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, "listening on", s.Addr())
			return ended(c.Context, s.Run(c.Context))
		},
	}
}
