package main

import (
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
		Flags: peerFlags(zkbench.EnsembleRows,
			&cli.IntFlag{Name: "kills", Value: 30, Usage: "kill the leader `N` times"},
			&cli.IntFlag{Name: "stops", Value: 10, Usage: "ask the leader to end `N` times"},
		),
		Action: func(c *cli.Context) error {
			cfg, err := peerConfig(c, zkbench.EnsembleRows, "kills", "stops")
			if err != nil {
				return err
			}
			r, err := zkbench.RunEnsemble(c.Context, zkbench.EnsembleConfig{Config: cfg, Kills: c.Int("kills"), Stops: c.Int("stops")}, sayStep)
			if err != nil {
				return err
			}
			return printReport(c, r)
		},
	}
}
