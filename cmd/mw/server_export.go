package main

import (
	"bytes"
	"fmt"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/apache"
	"github.com/urfave/cli/v2"
)

func serverExportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write the tree as a data directory of Apache ZooKeeper",
		UsageText: "mw server export [--data DIR | --backup FILE] DATADIR",
		Description: `Writes the tree of the server whose data is in DIR, running or stopped, or of a
backup, as a snapshot that an Apache ZooKeeper 3.5 or later starts from when
DATADIR is its dataDir. DATADIR must not hold a tree yet. Znodes keep their
data, ACLs, versions, times, zxids and sequence counters; ephemeral ones and
sessions are left out. Znodes with a time to live need
extendedTypesEnabled=true there. An ensemble starts with the same snapshot on
every member.

Examples:
   mw server export /var/lib/zookeeper
   mw server export --backup /backup/mw-2026-11-22 /var/lib/zookeeper`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "backup", Usage: "take the tree from the backup `FILE`; - is the standard input"},
			dataFlag("server"),
		}, logFlags()...),
		Action: func(c *cli.Context) error {
			to, err := oneArgument(c, "DATADIR")
			if err != nil {
				return err
			}
			b, err := treeToExport(c)
			if err != nil {
				return err
			}
			state := apache.FromTree(b.Tree, b.Zxid)
			dropped := state.DropEphemerals()
			name, err := apache.Write(to, state)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s: %d znodes, zxid %#x; %d ephemeral ones left out\n", name, len(state.Znodes), state.Zxid, dropped)
			return err
		},
	}
}

func treeToExport(c *cli.Context) (*zkserver.Backup, error) {
	if file := c.String("backup"); file != "" {
		return readBackup(file)
	}
	dir, err := dataDir(c, "server")
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	if err := backUp(c.Context, dir, &raw); err != nil {
		return nil, err
	}
	return zkserver.ReadBackup(&raw)
}
