package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	snapshotMagic  = "mwsnap\r\n"
	snapshotHeader = 48 // bytes before the meta data
	sectionHeader  = 8
	sectionBytes   = 256 << 10 // of data, at most
	footerBytes    = sectionHeader + 8
	maxMeta        = 1 << 20

	// syncBytes is how much of a snapshot is written between syncs, so that
	// the last sync is short and the log's syncs beside it are, too.
	syncBytes = 1 << 20
)

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
// kept for the reader. Only one may be written at a time. Errors are
// ErrDiskFull or ErrFailed.
func (l *Log) CreateSnapshot(id SnapshotID, meta []byte) (*SnapshotWriter, error) {
	f, err := l.dir.fs.Create(l.File(id) + tempSuffix)
	if err != nil {
		return nil, failure(fmt.Errorf("create snapshot: %w", err))
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

// Write adds to the snapshot. Its error, and every one after it, is
// ErrDiskFull or ErrFailed.
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
	if _, err := w.file.WriteAt(b, w.off); err != nil {
		w.fail("write", err)
		return
	}
	w.off += int64(len(b))
	if w.off-w.synced >= syncBytes {
		w.sync()
	}
}

func (w *SnapshotWriter) sync() {
	if w.err != nil {
		return
	}
	if err := w.file.Datasync(); err != nil {
		w.fail("sync", err)
	}
	w.synced = w.off
}

// fail notes what ends the snapshot: ErrDiskFull or ErrFailed.
func (w *SnapshotWriter) fail(verb string, err error) {
	w.err = failure(fmt.Errorf("%s snapshot %s: %w", verb, w.log.File(w.id), err))
}

// Commit makes the snapshot durable, gives it its name, and removes the
// oldest ones. It returns the size of the file.
func (w *SnapshotWriter) Commit() (int64, error) {
	w.flush()
	b := binary.BigEndian.AppendUint64(make([]byte, sectionHeader), w.total)
	sealSection(b, 0, w.number)
	w.write(b)
	w.sync()
	if err := w.abortOnError(); err != nil {
		return 0, err
	}
	d := w.log.dir
	err := errors.Join(w.file.Close(), d.fs.Rename(d.file(w.id.name()+tempSuffix), d.file(w.id.name())))
	if err == nil {
		err = d.names.Sync()
	}
	if err != nil {
		return 0, failure(fmt.Errorf("name snapshot: %w", err))
	}
	return w.off, w.log.DropSnapshots(keepSnapshots)
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
	return w.err
}
