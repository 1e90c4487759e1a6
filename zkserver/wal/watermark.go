package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"time"
)

// A watermark is a lower bound of what the log must hold. It is written now
// and then without a sync, so that a log which was cut off where it looks
// like a clean end is noticed.
type watermark struct {
	seq   uint64 // number of a group that was synced
	clean bool   // it was the last one, and the log was closed in order
}

const watermarkMagic = 0x6d777731

func (w watermark) encode() []byte {
	b := make([]byte, sector)
	binary.BigEndian.PutUint32(b, watermarkMagic)
	binary.BigEndian.PutUint64(b[8:], w.seq)
	if w.clean {
		b[16] = 1
	}
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	return b
}

func decodeWatermark(b []byte) (watermark, bool) {
	if len(b) < sector || binary.BigEndian.Uint32(b) != watermarkMagic ||
		crc32.Checksum(b[8:sector], castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return watermark{}, false
	}
	return watermark{seq: binary.BigEndian.Uint64(b[8:]), clean: b[16] == 1}, true
}

// openWatermark reads the watermark file, or makes it.
func (l *Log) openWatermark() (watermark, error) {
	name := l.dir.file(watermarkFile)
	b, err := readFile(l.dir.fs, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = l.dir.replaceFile(watermarkFile, make([]byte, sector))
	}
	if err != nil {
		return watermark{}, err
	}
	mark, ok := decodeWatermark(b)
	l.recovered.Unmarked = !ok
	l.marks, err = l.dir.fs.Open(name)
	return mark, err
}

// Mark writes the watermark if the log has grown since the last time. Append
// does it, too; call it while nothing is appended so that the newest groups
// are covered.
func (l *Log) Mark() error {
	seq := l.lastSeq()
	l.markedAt = time.Now()
	if seq == l.marked {
		return nil
	}
	if _, err := l.marks.WriteAt(watermark{seq: seq}.encode(), 0); err != nil {
		return l.fail(fmt.Errorf("write watermark: %w", err))
	}
	l.marked = seq
	return nil
}

// markSynced writes a watermark and waits for the disk.
func (l *Log) markSynced(w watermark) error {
	_, err := l.marks.WriteAt(w.encode(), 0)
	if err == nil {
		err = l.marks.Datasync()
	}
	if err != nil {
		return fmt.Errorf("write watermark: %w", err)
	}
	l.marked, l.markedAt = w.seq, time.Now()
	return nil
}
