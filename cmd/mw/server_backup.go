package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mwqueue/mw/zkserver"
	"github.com/urfave/cli/v2"
)

func serverBackupCommand() *cli.Command {
	return &cli.Command{
		Name:      "backup",
		Usage:     "write the whole tree, at one moment, to a file",
		UsageText: "mw server backup [--data DIR] FILE",
		Description: `Backs up the server on this machine whose data is in DIR, while it runs or when
it is stopped. A running server goes on; only its own user may do this. Any member
of an ensemble will do: running, it has all that was acknowledged, and needs the
others for that; stopped, what it knows. FILE
must not be there yet; - is the standard output. The backup holds the sessions,
too, and is checked before it gets its name.

Examples:
   mw server backup /backup/mw-$(date +%F)
   mw server backup - | ssh vault 'cat > mw.backup'`,
		Flags: append([]cli.Flag{dataFlag("server")}, logFlags()...),
		Action: func(c *cli.Context) error {
			file, dir, err := argumentAndData(c, "FILE")
			if err != nil {
				return err
			}
			if file == "-" {
				return backUp(c.Context, dir, c.App.Writer)
			}
			var b *zkserver.Backup
			err = writeWhole(file, func(f *os.File) error {
				if err := backUp(c.Context, dir, f); err != nil {
					return err
				}
				if _, err := f.Seek(0, io.SeekStart); err != nil {
					return err
				}
				b, err = zkserver.ReadBackup(f)
				return err
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n", file, describe(b))
			return err
		},
	}
}

// backUp asks the server that runs on the directory, or reads the directory
// when none does.
func backUp(ctx context.Context, dir string, w io.Writer) error {
	err := zkserver.BackupRunning(ctx, dir, w)
	if errors.Is(err, zkserver.ErrNoControl) {
		err = zkserver.BackupDir(ctx, dir, w)
	}
	return err
}

func describe(b *zkserver.Backup) string {
	return fmt.Sprintf("%d znodes, %d sessions, zxid %#x", b.Tree.Len(), b.Sessions(), b.Zxid)
}

// writeWhole makes a new file that is there whole, and on disk, or not at all.
func writeWhole(name string, fill func(*os.File) error) error {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s is there already", name)
	}
	// One that is left over must not keep the next from being made.
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := giveName(f.Name(), name, os.Link); err != nil {
		return err
	}
	return syncNames(filepath.Dir(name))
}

// giveName gives a file its name and replaces nothing: by a link, or where the
// file system knows none, by a rename over an empty file of our own.
func giveName(from, name string, link func(from, name string) error) error {
	err := link(from, name)
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", name)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", name)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	if err := os.Rename(from, name); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// syncNames makes the names in a directory durable, where the file system can.
func syncNames(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// argumentAndData gives the only argument and the server's data directory.
func argumentAndData(c *cli.Context, name string) (arg, dir string, err error) {
	if arg, err = oneArgument(c, name); err != nil {
		return "", "", err
	}
	dir, err = dataDir(c, "server")
	return arg, dir, err
}

// oneArgument gives the only argument, which help calls name.
func oneArgument(c *cli.Context, name string) (string, error) {
	if c.NArg() != 1 {
		return "", usagef(c, "%s takes one %s, got %d arguments", c.Command.Name, name, c.NArg())
	}
	return c.Args().First(), nil
}
