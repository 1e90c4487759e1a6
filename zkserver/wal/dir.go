package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// formatVersion is the format of everything in the directory.
const formatVersion = 1

const (
	lockFile      = "LOCK"
	identityFile  = "IDENTITY"
	watermarkFile = "WATERMARK"
)

// A directory is a locked data directory.
type directory struct {
	fs   FS
	path string
	lock io.Closer

	names Dir // held open, so that syncing it takes no descriptor

	log   uint64 // random number of this directory, in every file
	extra []byte // the owner's lines of the identity file
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// openDirectory makes or takes a data directory. extra is called for the
// owner's part of the identity when the directory is new.
func openDirectory(fsys FS, path string, extra func() []byte) (*directory, error) {
	d := &directory{fs: fsys, path: path}
	if err := fsys.MkdirAll(path); err != nil {
		return nil, fmt.Errorf("make data directory %s: %w", path, err)
	}
	err := d.vet()
	if err != nil {
		return nil, err
	}
	if d.lock, err = fsys.Lock(d.file(lockFile)); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	if d.names, err = fsys.OpenDir(path); err != nil {
		d.lock.Close()
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if err := d.identify(extra); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// close lets go of the directory, the lock last.
func (d *directory) close() error { return errors.Join(d.names.Close(), d.lock.Close()) }

// vet refuses a directory that belongs to somebody else, before anything is
// written to it, the lock included.
func (d *directory) vet() error {
	names, err := d.fs.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("list data directory: %w", err)
	}
	if slices.Contains(names, identityFile) {
		return nil
	}
	for _, name := range names {
		if !ours(name) && name != "lost+found" {
			return fmt.Errorf("data directory %s: %w: it has no %s but other files, such as %s: give an empty directory, or one that mw made",
				d.path, ErrForeign, identityFile, name)
		}
	}
	return nil
}

// ours reports whether a file in the data directory has a name that we give.
func ours(name string) bool {
	switch name {
	case lockFile, identityFile, watermarkFile:
		return true
	}
	_, segment := parseNumber(name, segmentSuffix)
	_, spare := parseNumber(name, spareSuffix)
	_, snapshot := parseSnapshot(name, snapshotSuffix)
	_, bad := parseSnapshot(name, snapshotSuffix+badSuffix)
	return segment || spare || snapshot || bad || halfMade(name)
}

// halfMade reports whether a file has the name of one of ours before it is
// complete.
func halfMade(name string) bool {
	name, ok := strings.CutSuffix(name, tempSuffix)
	return ok && !strings.HasSuffix(name, tempSuffix) && ours(name)
}

// identify reads the identity file, or makes it in a new directory.
func (d *directory) identify(extra func() []byte) error {
	b, err := readFile(d.fs, d.file(identityFile))
	if err == nil {
		return d.decodeIdentity(b)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read identity: %w", err)
	}
	names, err := d.fs.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("list data directory: %w", err)
	}
	for _, name := range names {
		if ours(name) && name != lockFile && !halfMade(name) {
			return &DamageError{File: d.file(identityFile), Reason: "missing, but there is " + name}
		}
	}
	d.log = rand.Uint64()
	if extra != nil {
		d.extra = extra()
	}
	return d.replaceFile(identityFile, d.encodeIdentity())
}

// SetIdentity replaces the owner's lines of the identity file. When it has
// returned nil the disk has them; a power cut before leaves the old or the new
// ones.
func (l *Log) SetIdentity(lines []byte) error {
	d := *l.dir
	d.extra = slices.Clone(lines)
	if err := d.replaceFile(identityFile, d.encodeIdentity()); err != nil {
		return failure(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dir.extra = d.extra
	return nil
}

func (d *directory) encodeIdentity() []byte {
	b := fmt.Appendf(nil, "mw data directory, format %d\nlog %016x\n%s", formatVersion, d.log, d.extra)
	return fmt.Appendf(b, "crc32c %08x\n", crc32.Checksum(b, castagnoli))
}

func (d *directory) decodeIdentity(b []byte) error {
	damaged := func(reason string) error { return &DamageError{File: d.file(identityFile), Reason: reason} }
	first, rest, _ := strings.Cut(string(b), "\n")
	number, ok := strings.CutPrefix(first, "mw data directory, format ")
	format, err := strconv.Atoi(number)
	if !ok || err != nil {
		return damaged("not the first line of an mw data directory")
	}
	if format != formatVersion {
		return fmt.Errorf("data directory %s: %w: it has format %d, this program reads format %d: run the version that wrote it, or use another directory",
			d.path, ErrVersion, format, formatVersion)
	}
	end := strings.LastIndex(rest, "crc32c ")
	logLine, extra, _ := strings.Cut(rest[:max(end, 0)], "\n")
	if d.log, err = strconv.ParseUint(strings.TrimPrefix(logLine, "log "), 16, 64); err != nil {
		return damaged("no log number")
	}
	d.extra = []byte(extra)
	if string(d.encodeIdentity()) != string(b) {
		return damaged("checksum mismatch")
	}
	return nil
}

// replaceFile puts a small file in place so that after a power cut it is
// there whole or not at all.
func (d *directory) replaceFile(name string, content []byte) error {
	err := d.writeFile(name+tempSuffix, content)
	if err == nil {
		err = d.fs.Rename(d.file(name+tempSuffix), d.file(name))
	}
	if err == nil {
		err = d.names.Sync()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", d.file(name), noSpace(err))
	}
	return nil
}

func (d *directory) writeFile(name string, content []byte) error {
	f, err := d.fs.Create(d.file(name))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(content, 0); err != nil {
		return err
	}
	return f.Datasync()
}

func readFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, nil)
}

// readAll reads a file into b, or into new memory if b is too small.
func readAll(f File, b []byte) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b = slices.Grow(b[:0], int(size))[:size]
	if n, err := f.ReadAt(b, 0); err != nil && !(errors.Is(err, io.EOF) && n == len(b)) {
		return nil, err
	}
	return b, nil
}
