package wal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// rotate seals the active segment, every group of which is on the disk, and
// begins the next one. The new name appears when its header is on the disk.
func (l *Log) rotate() error {
	spare, err := l.takeSpare()
	if err != nil {
		return err
	}
	l.mu.Lock()
	h := header{
		log: l.dir.log, number: l.active + 1, size: l.opts.SegmentBytes, firstSeq: l.seq + 1,
		index: l.idx.last, hard: l.hard,
	}
	h.term, _ = l.idx.term(l.idx.last) // unknown only in an empty log
	l.mu.Unlock()

	f, err := l.beginSegment(spare, &h)
	if full := noSpace(err); errors.Is(full, ErrDiskFull) {
		// Only opening the spare can need what is lacking.
		l.mu.Lock()
		l.spares = append(l.spares, spare)
		l.mu.Unlock()
		return fmt.Errorf("begin segment %d: %w", h.number, full)
	}
	if err != nil {
		return l.fail(fmt.Errorf("begin segment %d: %w", h.number, err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[h.number] = segmentFile{File: f, header: h}
	l.active = h.number
	l.off = sector
	return nil
}

// beginSegment writes the header, for which it draws the seed, into a spare
// and gives it the name of a segment.
func (l *Log) beginSegment(spare string, h *header) (File, error) {
	f, err := l.dir.fs.Open(l.dir.file(spare))
	if err != nil {
		return nil, err
	}
	b := make([]byte, sector)
	if _, err = f.ReadAt(b, 0); err == nil {
		h.used = !allZero(b) // it has the header of then
		rand.Read(b[:8])     // never fails
		h.seed = seed(binary.BigEndian.Uint64(b))
		_, err = f.WriteAt(h.encode(), 0)
	}
	if err == nil {
		err = f.Datasync()
	}
	if err == nil {
		err = l.dir.fs.Rename(l.dir.file(spare), l.dir.file(segmentName(h.number)))
	}
	if err == nil {
		err = l.dir.names.Sync()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// takeSpare gives a prepared segment, which it makes if there is none.
func (l *Log) takeSpare() (string, error) {
	for {
		l.mu.Lock()
		if n := len(l.spares); n > 0 {
			name := l.spares[n-1]
			l.spares = l.spares[:n-1]
			l.mu.Unlock()
			select {
			case l.wanted <- struct{}{}:
			default:
			}
			return name, nil
		}
		l.mu.Unlock()
		if err := l.Prepare(); err != nil {
			return "", err
		}
	}
}
