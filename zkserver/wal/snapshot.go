package wal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

const (
	snapshotSuffix  = ".snap"
	badSuffix       = ".bad" // a snapshot that could not be read
	snapshotMagic   = "mwsnap\r\n"
	snapshotHeader  = 48
	sectionHeader   = 8
	sectionBytes    = 256 << 10
	snapshotFooter  = sectionHeader + 8
	keepSnapshots   = 3
	snapshotSyncing = 8 << 20 // how much is written between syncs
	maxMeta         = 1 << 20
)

// SnapshotID names a snapshot: the last entry whose effect it holds.
type SnapshotID struct{ Index, Term uint64 }

func (id SnapshotID) name() string {
	return fmt.Sprintf("%016x-%016x%s", id.Index, id.Term, snapshotSuffix)
}

// File gives the path of a snapshot's file.
func (l *Log) File(id SnapshotID) string { return l.dir.file(id.name()) }

// Snapshots lists the snapshots in the directory, newest first.
func (l *Log) Snapshots() ([]SnapshotID, error) {
	names, err := l.dir.fs.ReadDir(l.dir.path)
	if err != nil {
		return nil, fmt.Errorf("wal: list snapshots: %w", err)
	}
	var ids []SnapshotID
	for _, name := range names {
		first, second, ok := strings.Cut(name, "-")
		index, ok1 := parseNumber(first, "")
		term, ok2 := parseNumber(second, snapshotSuffix)
		if ok && ok1 && ok2 {
			ids = append(ids, SnapshotID{Index: index, Term: term})
		}
	}
	slices.Reverse(ids) // names sort as numbers
	return ids, nil
}

// A SnapshotWriter writes one snapshot file. It must be ended by Commit or
// Abort.
type SnapshotWriter struct {
	log  *Log
	id   SnapshotID
	file File

	buf    []byte // the section being filled, header first
	off    int64
	synced int64
	total  uint64
	number uint32 // of the section being filled
	err    error
}

// CreateSnapshot begins the snapshot of the state after entry id. meta is
// kept for the reader. Only one may be written at a time.
func (l *Log) CreateSnapshot(id SnapshotID, meta []byte) (*SnapshotWriter, error) {
	f, err := l.dir.fs.Create(l.File(id) + tempSuffix)
	if err != nil {
		return nil, fmt.Errorf("wal: create snapshot: %w", noSpace(err))
	}
	w := &SnapshotWriter{log: l, id: id, file: f, buf: make([]byte, sectionHeader, sectionHeader+sectionBytes)}
	b := append(make([]byte, 0, snapshotHeader+len(meta)), snapshotMagic...)
	b = append(b, 0, 0, 0, 0) // CRC
	b = binary.BigEndian.AppendUint32(b, formatVersion)
	b = binary.BigEndian.AppendUint64(b, l.dir.log)
	b = binary.BigEndian.AppendUint64(b, id.Index)
	b = binary.BigEndian.AppendUint64(b, id.Term)
	b = binary.BigEndian.AppendUint64(b, uint64(len(meta)))
	b = append(b, meta...)
	binary.BigEndian.PutUint32(b[8:], crc32.Checksum(b[12:], castagnoli))
	w.write(b)
	return w, w.abortOnError()
}

// Write adds to the snapshot.
func (w *SnapshotWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && w.err == nil {
		room := cap(w.buf) - len(w.buf)
		take := min(room, len(p))
		w.buf = append(w.buf, p[:take]...)
		p = p[take:]
		if len(w.buf) == cap(w.buf) {
			w.flush()
		}
	}
	return n - len(p), w.err
}

// flush writes the section in buf.
func (w *SnapshotWriter) flush() {
	size := len(w.buf) - sectionHeader
	if size == 0 {
		return
	}
	w.total += uint64(size)
	sealSection(w.buf, uint32(size), w.number)
	w.write(w.buf)
	w.number++
	w.buf = w.buf[:sectionHeader]
}

// sealSection fills in a section's header. The CRC starts with the section's
// number, so that sections cannot change places.
func sealSection(b []byte, size, number uint32) {
	binary.BigEndian.PutUint32(b, size)
	binary.BigEndian.PutUint32(b[4:], sectionCRC(b[sectionHeader:], size, number))
}

func sectionCRC(data []byte, size, number uint32) uint32 {
	var b [8]byte
	binary.BigEndian.PutUint32(b[:], number)
	binary.BigEndian.PutUint32(b[4:], size)
	return crc32.Update(crc32.Checksum(b[:], castagnoli), castagnoli, data)
}

// write puts b at the end of the file, and syncs now and then so that the
// last sync is short and the log's syncs beside it are, too.
func (w *SnapshotWriter) write(b []byte) {
	if w.err != nil {
		return
	}
	if _, w.err = w.file.WriteAt(b, w.off); w.err != nil {
		return
	}
	w.off += int64(len(b))
	if w.off-w.synced >= snapshotSyncing {
		w.synced, w.err = w.off, w.file.Datasync()
	}
}

// Commit makes the snapshot durable, gives it its name, and removes the
// oldest ones. It returns the size of the file.
func (w *SnapshotWriter) Commit() (int64, error) {
	w.flush()
	b := binary.BigEndian.AppendUint64(make([]byte, sectionHeader), w.total)
	sealSection(b, 0, w.number)
	w.write(b)
	if w.err == nil {
		w.err = w.file.Datasync()
	}
	if err := w.abortOnError(); err != nil {
		return 0, err
	}
	d := w.log.dir
	err := errors.Join(w.file.Close(), d.fs.Rename(d.file(w.id.name()+tempSuffix), d.file(w.id.name())))
	if err == nil {
		err = d.fs.SyncDir(d.path)
	}
	if err != nil {
		return 0, fmt.Errorf("wal: name snapshot: %w", noSpace(err))
	}
	return w.off, w.log.dropOldSnapshots()
}

// Abort removes what was written.
func (w *SnapshotWriter) Abort() {
	w.file.Close()
	w.log.dir.fs.Remove(w.log.File(w.id) + tempSuffix) // recovery would remove it, too
}

func (w *SnapshotWriter) abortOnError() error {
	if w.err == nil {
		return nil
	}
	w.Abort()
	return fmt.Errorf("wal: write snapshot %s: %w", w.log.File(w.id), noSpace(w.err))
}

func (l *Log) dropOldSnapshots() error {
	ids, err := l.Snapshots()
	if err != nil {
		return err
	}
	for _, id := range ids[min(keepSnapshots, len(ids)):] {
		if err := l.dir.fs.Remove(l.File(id)); err != nil {
			return fmt.Errorf("wal: remove snapshot: %w", err)
		}
	}
	return nil
}

// SetAside renames a snapshot that cannot be read, so that it is not counted
// as one to fall back to.
func (l *Log) SetAside(id SnapshotID) error {
	err := l.dir.fs.Rename(l.File(id), l.File(id)+badSuffix)
	if err == nil {
		err = l.dir.fs.SyncDir(l.dir.path)
	}
	if err != nil {
		return fmt.Errorf("wal: set snapshot aside: %w", err)
	}
	return nil
}

// A SnapshotReader gives back what was written, section by section, each
// checked before any of it is given out. Every fault is a DamageError; io.EOF
// means that the whole file was good.
type SnapshotReader struct {
	name string
	file File
	in   *bufio.Reader
	off  int64

	meta   []byte
	left   []byte // of the section read last
	buf    []byte
	number uint32
	total  uint64
	err    error
}

// OpenSnapshot opens a snapshot for reading.
func (l *Log) OpenSnapshot(id SnapshotID) (*SnapshotReader, error) {
	f, err := l.dir.fs.Open(l.File(id))
	if err != nil {
		return nil, fmt.Errorf("wal: open snapshot: %w", err)
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("wal: open snapshot: %w", err)
	}
	r := &SnapshotReader{name: l.File(id), file: f, in: bufio.NewReaderSize(io.NewSectionReader(f, 0, size), sectionBytes)}
	if err := r.readHeader(l.dir.log, id); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// Meta gives what was passed to CreateSnapshot.
func (r *SnapshotReader) Meta() []byte { return r.meta }

// Close closes the file.
func (r *SnapshotReader) Close() error { return r.file.Close() }

func (r *SnapshotReader) readHeader(log uint64, id SnapshotID) error {
	b := make([]byte, snapshotHeader)
	if !r.fill(b) {
		return r.err
	}
	size := binary.BigEndian.Uint64(b[40:])
	if string(b[:8]) != snapshotMagic || size > maxMeta {
		return r.damaged("bad header")
	}
	r.meta = make([]byte, size)
	if !r.fill(r.meta) {
		return r.err
	}
	crc := crc32.Update(crc32.Checksum(b[12:], castagnoli), castagnoli, r.meta)
	if crc != binary.BigEndian.Uint32(b[8:]) || binary.BigEndian.Uint32(b[12:]) != formatVersion {
		return r.damaged("bad header")
	}
	got := SnapshotID{Index: binary.BigEndian.Uint64(b[24:]), Term: binary.BigEndian.Uint64(b[32:])}
	if binary.BigEndian.Uint64(b[16:]) != log || got != id {
		return r.damaged("header is of another snapshot")
	}
	r.off = snapshotHeader + int64(size)
	return nil
}

// Read implements io.Reader.
func (r *SnapshotReader) Read(p []byte) (int, error) {
	if len(r.left) == 0 && r.err == nil {
		r.nextSection()
	}
	if len(r.left) == 0 {
		return 0, r.err
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// nextSection reads and checks one section, or the footer.
func (r *SnapshotReader) nextSection() {
	var head [sectionHeader]byte
	if !r.fill(head[:]) {
		return
	}
	size, crc := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	n := size
	if size == 0 {
		n = snapshotFooter - sectionHeader
	}
	if n > sectionBytes {
		r.damaged("bad section header")
		return
	}
	if r.buf == nil {
		r.buf = make([]byte, sectionBytes)
	}
	data := r.buf[:n]
	if !r.fill(data) {
		return
	}
	if sectionCRC(data, size, r.number) != crc {
		r.damaged(fmt.Sprintf("checksum mismatch in section %d", r.number))
		return
	}
	r.off += sectionHeader + int64(n)
	r.number++
	r.total += uint64(size)
	if size > 0 {
		r.left = data
		return
	}
	_, err := r.in.ReadByte()
	if binary.BigEndian.Uint64(data) != r.total || !errors.Is(err, io.EOF) {
		r.damaged("does not end where it should")
		return
	}
	r.err = io.EOF
}

// fill reads all of b, or sets r.err.
func (r *SnapshotReader) fill(b []byte) bool {
	if _, err := io.ReadFull(r.in, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.damaged("ends too early")
	} else if err != nil {
		r.err = fmt.Errorf("wal: read snapshot %s at offset %d: %w", r.name, r.off, err)
	}
	return r.err == nil
}

// damaged makes a DamageError at the section being read.
func (r *SnapshotReader) damaged(reason string) error {
	r.err = &DamageError{File: r.name, Offset: r.off, Reason: reason}
	return r.err
}
