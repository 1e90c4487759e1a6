package zkserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

const (
	identityName = "IDENTITY" // of the file without which a directory is no server's (package wal)
	partPrefix   = ".part-"
)

// makeDir makes a data directory. One that is not there is made beside its name
// and renamed, so that it is there whole or not at all. One that is there may be
// the root of a file system, which cannot be replaced and may be the only place
// with the room: it is filled, its identity last.
func makeDir(dir string, ms int64, c content) error {
	dir = filepath.Clean(dir)
	fill, err := isEmpty(dir)
	if err != nil {
		return err
	}
	in, pattern := dir, partPrefix
	if !fill {
		in, pattern = filepath.Dir(dir), "."+strings.TrimPrefix(filepath.Base(dir), ".")+partPrefix
		if err := os.MkdirAll(in, 0o755); err != nil {
			return fmt.Errorf("zkserver: %w", err)
		}
	}
	part, err := os.MkdirTemp(in, pattern)
	if err != nil {
		return fmt.Errorf("zkserver: %w", err)
	}
	// The term of a new log, so that a new epoch begins with the next.
	c.term = 1
	err = ensemble.Seed(ensemble.Config{Dir: part}, ms, c.capture())
	switch {
	case err != nil:
	case fill:
		err = moveInto(dir, part)
	default:
		err = os.Rename(part, dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("zkserver: %w", err), os.RemoveAll(part))
	}
	return syncNames(in)
}

// isEmpty reports whether a directory is there, and refuses one that is not
// empty.
func isEmpty(dir string) (there bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("zkserver: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "lost+found" {
			names = append(names, e.Name())
		}
	}
	partial := func(name string) bool { return strings.HasPrefix(name, partPrefix) }
	switch {
	case len(names) == 0:
		return true, nil
	case slices.ContainsFunc(names, partial) && !slices.Contains(names, identityName):
		return true, fmt.Errorf("zkserver: %s is not empty: filling it was broken off: remove what is in it, with .part-*, and try again", dir)
	}
	return true, fmt.Errorf("zkserver: %s is not empty: give a new directory", dir)
}

// moveInto moves the files of part, which lies in dir, there. Until it ends, part
// keeps servers from the directory; the identity, which comes last, lets them in.
func moveInto(dir, part string) (err error) {
	entries, err := os.ReadDir(part)
	if err != nil {
		return err
	}
	var moved []string
	defer func() {
		for _, name := range moved {
			if err != nil {
				err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
			}
		}
	}()
	move := func(name string) error {
		err := os.Rename(filepath.Join(part, name), filepath.Join(dir, name))
		if err == nil {
			moved = append(moved, name)
		}
		return err
	}
	for _, e := range entries {
		if e.Name() != identityName {
			if err := move(e.Name()); err != nil {
				return err
			}
		}
	}
	if err := syncNames(dir); err != nil {
		return err
	}
	if err := move(identityName); err != nil {
		return err
	}
	if err := syncNames(dir); err != nil {
		return err
	}
	return os.Remove(part)
}

// syncNames makes the names in a directory durable.
func syncNames(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("zkserver: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
