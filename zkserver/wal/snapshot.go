package wal

import (
	"fmt"
	"slices"
	"strings"
)

const (
	snapshotSuffix = ".snap"
	badSuffix      = ".bad" // a snapshot that could not be read
	keepSnapshots  = 3
)

// SnapshotID names a snapshot: the last entry whose effect it holds.
type SnapshotID struct{ Index, Term uint64 }

func (id SnapshotID) name() string {
	return fmt.Sprintf("%016x-%016x%s", id.Index, id.Term, snapshotSuffix)
}

// parseSnapshot reads the ID off a name made of it and suffix.
func parseSnapshot(name, suffix string) (id SnapshotID, ok bool) {
	first, second, ok := strings.Cut(name, "-")
	index, ok1 := parseNumber(first, "")
	term, ok2 := parseNumber(second, suffix)
	return SnapshotID{Index: index, Term: term}, ok && ok1 && ok2
}

// File gives the path of a snapshot's file.
func (l *Log) File(id SnapshotID) string { return l.dir.file(id.name()) }

// Snapshots lists the snapshots in the directory, newest first.
func (l *Log) Snapshots() ([]SnapshotID, error) {
	names, err := l.dir.fs.ReadDir(l.dir.path)
	if err != nil {
		return nil, fmt.Errorf("wal: list snapshots: %w", noSpace(err))
	}
	var ids []SnapshotID
	for _, name := range names {
		if id, ok := parseSnapshot(name, snapshotSuffix); ok {
			ids = append(ids, id)
		}
	}
	slices.Reverse(ids) // names sort as numbers
	return ids, nil
}

// DropSnapshots removes all snapshots but the newest few. It must not be
// called while one is written. Errors are ErrDiskFull or ErrFailed.
func (l *Log) DropSnapshots(keep int) error {
	ids, err := l.Snapshots()
	if err != nil {
		return failure(err)
	}
	for _, id := range ids[min(keep, len(ids)):] {
		if err := l.dir.fs.Remove(l.File(id)); err != nil {
			return failure(fmt.Errorf("remove snapshot: %w", err))
		}
	}
	return nil
}

// SetAside renames a snapshot that cannot be read, so that it is not counted
// as one to fall back to. Of such files only the last is kept.
func (l *Log) SetAside(id SnapshotID) error {
	err := l.dropBad()
	if err == nil {
		err = l.dir.fs.Rename(l.File(id), l.File(id)+badSuffix)
	}
	if err == nil {
		err = l.dir.names.Sync()
	}
	if err != nil {
		return fmt.Errorf("wal: set snapshot aside: %w", err)
	}
	return nil
}

// dropBad removes what was set aside before.
func (l *Log) dropBad() error {
	names, err := l.dir.fs.ReadDir(l.dir.path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := parseSnapshot(name, snapshotSuffix+badSuffix); ok {
			if err := l.dir.fs.Remove(l.dir.file(name)); err != nil {
				return err
			}
		}
	}
	return nil
}
