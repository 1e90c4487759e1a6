package main

import (
	"errors"
	"fmt"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/apache"
	"github.com/urfave/cli/v2"
)

func serverImportCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "make a data directory from one of Apache ZooKeeper",
		UsageText: "mw server import [--data DIR] [--log-dir DIR | --no-log] DATADIR",
		Description: `Makes DIR, which must be empty or not be there, from DATADIR, the dataDir of an
Apache ZooKeeper 3.x server: its newest snapshot and the log after it. Znodes
keep their data, ACLs, versions, times, zxids and sequence counters. Ephemeral
znodes and sessions are left out: no client can go on with them here. Stop that
server first, or what it writes after the import is not in it. DATADIR is only
read. Of an ensemble, take the member with the newest data: its leader. For an
ensemble, make the directory of the member with the lowest number, and give the
others empty ones: they get the state from it.

A server with a dataLogDir in its zoo.cfg has its log there: name it with
--log-dir. Snapshots without any log are refused, for what was written last is in
the log; --no-log takes the newest snapshot for all there is.

Examples:
   mw server import /var/lib/zookeeper
   mw server import --log-dir /disk2/zookeeper --data /var/lib/mw/server /disk1/zookeeper`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "log-dir", Usage: "read the log from `DIR`, the server's dataLogDir", DefaultText: "DATADIR"},
			&cli.BoolFlag{Name: "no-log", Usage: "there is no log: what was written after the newest snapshot is lost"},
			dataFlag("server"),
		}, logFlags()...),
		Action: func(c *cli.Context) error {
			from, dir, err := argumentAndData(c, "DATADIR")
			if err != nil {
				return err
			}
			state, err := readApache(c, from)
			if err != nil {
				return err
			}
			for _, w := range state.Warnings {
				fmt.Fprintln(c.App.ErrWriter, "mw: warning:", w)
			}
			dropped := state.DropEphemerals()
			t, err := state.Tree()
			if err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
			if err := zkserver.Import(dir, t); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s: %d znodes, zxid %#x; %d ephemeral ones left out\n", dir, t.Len(), t.LastZxid(), dropped)
			return err
		},
	}
}

// readApache reads the files that the flags name.
func readApache(c *cli.Context, from string) (*apache.State, error) {
	if c.Bool("no-log") {
		if c.IsSet("log-dir") {
			return nil, usagef(c, "--log-dir and --no-log exclude each other")
		}
		return apache.ReadSnapshot(from)
	}
	state, err := apache.Read(from, c.String("log-dir"))
	if errors.Is(err, apache.ErrNoLog) {
		err = hinted(err, "name the server's dataLogDir with --log-dir DIR; --no-log if the log is lost")
	}
	return state, err
}
