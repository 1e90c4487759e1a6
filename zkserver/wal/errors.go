package wal

import (
	"errors"
	"fmt"
	"syscall"
)

// These errors refuse a data directory. Nothing in it was changed.
var (
	// ErrLocked says that another process has the directory open.
	ErrLocked = errors.New("wal: in use by another server")

	// ErrVersion says that the directory was written in another format.
	ErrVersion = errors.New("wal: other format")

	// ErrForeign says that the directory has files in it and is not ours.
	ErrForeign = errors.New("wal: not a data directory")

	// ErrDamaged is what every [DamageError] is.
	ErrDamaged = errors.New("wal: damaged")
)

// These errors answer one call. The log goes on.
var (
	// ErrDiskFull says that there was no room, or no file descriptor, to
	// prepare a segment or to write a snapshot. Nothing was written; the call may be made again.
	ErrDiskFull = errors.New("wal: disk full")

	// ErrCompacted says that the entry is covered by a snapshot and gone.
	ErrCompacted = errors.New("wal: entry was truncated")

	// ErrUnavailable says that the log does not reach that far.
	ErrUnavailable = errors.New("wal: no such entry")

	// ErrTooLarge says that the entries do not fit into one group.
	ErrTooLarge = errors.New("wal: group too large")
)

// These errors end a log. The process must end too: what the disk holds is
// known again only after recovery.
var (
	// ErrFailed says that a write or sync failed, now or earlier. It is never
	// retried: after a failed fsync the kernel may call the lost pages clean.
	ErrFailed = errors.New("wal: write failed")

	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("wal: closed")
)

// A DamageError names the place where a file is not what was written. It
// never stands for a torn tail, which recovery cuts.
type DamageError struct {
	File   string // path
	Offset int64  // of the first byte that cannot be trusted
	Reason string
}

// Error gives one line with file and offset.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%v: %s at offset %d: %s", ErrDamaged, e.File, e.Offset, e.Reason)
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// noSpace makes the kinds of "no room" ErrDiskFull. To be out of descriptors
// is one: nothing was written, and it goes away.
func noSpace(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return noDescriptor{err}
	}
	return err
}

// noDescriptor is an ErrDiskFull that does not say so.
type noDescriptor struct{ err error }

func (e noDescriptor) Error() string   { return "wal: out of file descriptors: " + e.err.Error() }
func (e noDescriptor) Unwrap() []error { return []error{ErrDiskFull, e.err} }

// failure makes an error of the file system ErrDiskFull or ErrFailed.
func failure(err error) error {
	if err = noSpace(err); errors.Is(err, ErrDiskFull) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFailed, err)
}
