package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A SnapshotReader gives back what was written, section by section, each
// checked before any of it is given out. Every fault is a DamageError; io.EOF
// means that the whole file was good.
type SnapshotReader struct {
	name string
	file File
	size int64 // of the file
	off  int64 // of the section to be read next

	meta   []byte
	left   []byte // of the section read last
	buf    []byte // has its data
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
	r := &SnapshotReader{name: l.File(id), file: f, size: size}
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
	if !r.fill(b, 0) {
		return r.err
	}
	size := binary.BigEndian.Uint64(b[40:])
	if string(b[:8]) != snapshotMagic || size > maxMeta {
		return r.damaged("bad header")
	}
	r.meta = make([]byte, size)
	if !r.fill(r.meta, snapshotHeader) {
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
	if r.buf == nil {
		r.buf = make([]byte, sectionHeader+sectionBytes)
	}
	b := r.buf[:max(sectionHeader, min(int64(len(r.buf)), r.size-r.off))] // one read for both
	if !r.fill(b, r.off) {
		return
	}
	size, crc := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	n := size
	if size == 0 {
		n = footerBytes - sectionHeader
	}
	if n > sectionBytes {
		r.damaged("bad section header")
		return
	}
	if int(n) > len(b)-sectionHeader {
		r.damaged("ends too early")
		return
	}
	data := b[sectionHeader:][:n]
	if sectionCRC(data, size, r.number) != crc {
		r.damaged(fmt.Sprintf("checksum mismatch in section %d", r.number))
		return
	}
	r.number++
	r.total += uint64(size)
	if size > 0 {
		r.off += sectionHeader + int64(n)
		r.left = data
		return
	}
	if end := r.off + footerBytes; binary.BigEndian.Uint64(data) != r.total || end != r.size {
		r.off = end
		r.damaged("does not end where it should")
		return
	}
	r.err = io.EOF
}

// fill reads all of b, which is at off, or sets r.err.
func (r *SnapshotReader) fill(b []byte, off int64) bool {
	n, err := r.file.ReadAt(b, off)
	switch {
	case n == len(b):
	case errors.Is(err, io.EOF):
		r.damaged("ends too early")
	default:
		r.err = fmt.Errorf("wal: read snapshot %s at offset %d: %w", r.name, r.off, err)
	}
	return r.err == nil
}

// damaged makes a DamageError at the section being read.
func (r *SnapshotReader) damaged(reason string) error {
	r.err = &DamageError{File: r.name, Offset: r.off, Reason: reason}
	return r.err
}
