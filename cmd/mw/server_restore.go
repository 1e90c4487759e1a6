package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/mwqueue/mw/zkserver"
	"github.com/urfave/cli/v2"
)

func serverRestoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "make a data directory from a backup",
		UsageText: "mw server restore [--data DIR] FILE",
		Description: `Makes DIR, which must be empty or not be there, from a backup that "mw server
backup" wrote; - is the standard input. A server started on it goes on where the
backup was taken: sessions whose clients come back in time live on. What was
written after the backup is gone: clients that saw it are best started anew.

Of an ensemble, make the directory of the member with the lowest number, give the
others empty ones, and start them all: they get the state from it. It serves when
more than half of them are there. A single member that has lost its directory is
not restored: start it with an empty one, and the others give it what they have.
Nor is an older copy of its directory put back: it would have forgotten what it has
acknowledged. A member that finds that out ends, and its directory is not used again.

Examples:
   mw server restore --data /var/lib/mw/new /backup/mw-2026-11-22
   mw server --data /var/lib/mw/new`,
		Flags: append([]cli.Flag{dataFlag("server")}, logFlags()...),
		Action: func(c *cli.Context) error {
			file, dir, err := argumentAndData(c, "FILE")
			if err != nil {
				return err
			}
			b, err := readBackup(file)
			if err != nil {
				return err
			}
			if err := b.Restore(dir); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n", dir, describe(b))
			return err
		},
	}
}

// readBackup reads a backup from a file, or from the standard input for "-".
func readBackup(name string) (*zkserver.Backup, error) {
	var r io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	b, err := zkserver.ReadBackup(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}
