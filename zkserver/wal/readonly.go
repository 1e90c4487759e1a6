package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// ErrReadOnly says that the log was opened to be read only.
var ErrReadOnly = errors.New("wal: opened to be read only")

// OpenReadOnly reads the log of a directory that nobody has open, as Open does
// and by the same rules, but changes nothing there, makes no file, and needs no
// permission to write. Other readers may have it open as well. Only what reads
// may be called; the rest fails with ErrReadOnly. Of the options Dir, FS and the
// sizes matter.
func OpenReadOnly(o Options) (*Log, error) {
	o = o.withDefaults()
	d := &directory{fs: readOnly{o.FS}, path: o.Dir}
	if err := d.openToRead(); err != nil {
		return nil, fmt.Errorf("wal: data directory %s: %w", o.Dir, err)
	}
	l := &Log{
		opts: o, dir: d, files: map[uint64]segmentFile{}, err: ErrReadOnly,
		wanted: make(chan struct{}, 1), housekeeping: make(chan struct{}, 1),
	}
	if err := l.recoverReadOnly(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// ReadOnly reports whether nothing may be changed.
func (l *Log) ReadOnly() bool {
	_, ok := l.dir.fs.(readOnly)
	return ok
}

func (d *directory) openToRead() error {
	b, err := readFile(d.fs, d.file(identityFile))
	if err != nil {
		return fmt.Errorf("read identity: %w", err)
	}
	if err := d.decodeIdentity(b); err != nil {
		return err
	}
	if d.lock, err = d.fs.Lock(d.file(lockFile)); err != nil {
		return err
	}
	if d.names, err = d.fs.OpenDir(d.path); err != nil {
		return errors.Join(err, d.lock.Close())
	}
	return nil
}

func (l *Log) recoverReadOnly() error {
	names, err := l.dir.fs.ReadDir(l.dir.path)
	if err != nil {
		return fmt.Errorf("wal: list %s: %w", l.dir.path, err)
	}
	b, err := readFile(l.dir.fs, l.dir.file(watermarkFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("wal: read watermark: %w", err)
	}
	mark, ok := decodeWatermark(b)
	l.recovered.Unmarked = !ok
	var segments []uint64
	for _, name := range names {
		if n, ok := parseNumber(name, segmentSuffix); ok {
			segments = append(segments, n)
		}
	}
	if len(segments) == 0 {
		return &DamageError{File: l.dir.path, Reason: "no log"}
	}
	slices.Sort(segments)
	return l.replay(segments, mark)
}

// readOnly is a file system in which nothing can be changed.
type readOnly struct{ FS }

func (readOnly) MkdirAll(string) error       { return ErrReadOnly }
func (readOnly) Create(string) (File, error) { return nil, ErrReadOnly }
func (readOnly) Rename(string, string) error { return ErrReadOnly }
func (readOnly) Remove(string) error         { return ErrReadOnly }

func (r readOnly) Open(name string) (File, error) {
	if r.FS != OS {
		f, err := r.FS.Open(name)
		return readOnlyFile{f}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return readOnlyFile{osFile{f}}, nil
}

// Lock keeps servers away, but no other readers. A directory that was never
// locked, such as a copy without the lock file, is not locked now: the file
// would be ours, and its owner's server could not open it.
func (r readOnly) Lock(name string) (io.Closer, error) {
	if r.FS != OS {
		return r.FS.Lock(name)
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}

// readOnlyFile refuses to write, whatever the file system would allow.
type readOnlyFile struct{ File }

func (readOnlyFile) WriteAt([]byte, int64) (int, error) { return 0, ErrReadOnly }
func (readOnlyFile) Datasync() error                    { return ErrReadOnly }
