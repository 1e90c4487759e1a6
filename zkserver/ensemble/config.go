package ensemble

import (
	"cmp"
	"errors"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/wal"
)

// Config says how to run a Node. The zero value of a field means its default.
type Config struct {
	// Dir is the data directory. It is made if it is not there.
	Dir string

	// Machine is the state that the log describes. It must be empty.
	Machine Machine

	// Log gets a line per change of term, recovery and trouble.
	Log zerolog.Logger

	// SegmentBytes is the size of a segment of the log. Two are allocated
	// ahead. Default: 16 MiB.
	SegmentBytes int64

	// SnapshotBytes is how much log is written between snapshots, at most, or
	// half as much as the last snapshot had if that is more: a start applies no
	// more than that again. Default: 64 MiB.
	SnapshotBytes int64

	// SnapshotEntries is how many batches there are between snapshots, at
	// most. Default: 500,000.
	SnapshotEntries int64

	// BacklogBytes is how much may wait to be proposed before Propose blocks.
	// Default: 16 MiB.
	BacklogBytes int

	// FS is the file system. Default: that of the machine.
	FS wal.FS
}

func (c Config) withDefaults() (Config, error) {
	if c.Machine == nil {
		return c, errors.New("ensemble: no machine")
	}
	if c.Dir == "" {
		return c, errors.New("ensemble: no data directory")
	}
	c.FS = cmp.Or(c.FS, wal.OS)
	c.SnapshotBytes = cmp.Or(c.SnapshotBytes, 64<<20)
	c.SnapshotEntries = cmp.Or(c.SnapshotEntries, 500_000)
	c.BacklogBytes = cmp.Or(c.BacklogBytes, 16<<20)
	return c, nil
}

// These errors end a Node.
var (
	// ErrDisk says that a write or sync failed. The process must end: what the
	// disk holds is known again only after recovery.
	ErrDisk = errors.New("ensemble: disk failed")

	// ErrStopped says that Run has returned or Close was called.
	ErrStopped = errors.New("ensemble: stopped")
)

// These errors answer one proposal. It was not made, now or later.
var (
	// ErrDiskFull says that there is no room for the log to grow. It goes away
	// when there is room again.
	ErrDiskFull = errors.New("ensemble: disk full")

	// ErrTooLarge says that a command is larger than the log takes.
	ErrTooLarge = errors.New("ensemble: command too large")
)
