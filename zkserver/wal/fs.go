package wal

import "io"

// FS is the part of a file system that the log needs. [OS] is the real one;
// package waltest has one that loses power.
//
// An error that means "no space" must satisfy errors.Is(err, syscall.ENOSPC)
// or EDQUOT, and EMFILE or ENFILE for "no descriptor"; a missing file satisfies fs.ErrNotExist.
type FS interface {
	// MkdirAll makes a directory, with its parents, durably.
	MkdirAll(dir string) error

	// ReadDir gives the names in a directory, sorted.
	ReadDir(dir string) ([]string, error)

	// Create makes an empty file for reading and writing, or empties one.
	Create(name string) (File, error)

	// Open opens a file that exists for reading and writing.
	Open(name string) (File, error)

	// Rename replaces newname by oldname in one step.
	Rename(oldname, newname string) error

	// Remove deletes a file.
	Remove(name string) error

	// OpenDir opens a directory to make the names in it durable.
	OpenDir(dir string) (Dir, error)

	// Free is how many bytes can still be written in a directory, about.
	Free(dir string) (int64, error)

	// Lock takes the lock file, making it if need be, and holds it until
	// Close. It fails with ErrLocked at once when another holds it.
	Lock(name string) (io.Closer, error)
}

// A Dir is an open directory of an [FS].
type Dir interface {
	// Sync makes the names in the directory durable.
	Sync() error
	io.Closer
}

// A File is an open file of an [FS].
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer

	// Size is the length of the file in bytes.
	Size() (int64, error)

	// Datasync returns when everything written is on the disk, and the size
	// needed to read it back. After an error nothing is known.
	Datasync() error
}
