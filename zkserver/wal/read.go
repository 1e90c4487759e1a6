package wal

import (
	"errors"
	"fmt"
	"io"
)

// HardState gives the newest hard state on the disk.
func (l *Log) HardState() HardState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hard
}

// Bounds gives the index of the entry before the first one, and of the last:
// the log holds what is between, without base and with last.
func (l *Log) Bounds() (base, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.idx.base, l.idx.last
}

// Term gives the term of an entry, or of the one before the first.
func (l *Log) Term(i uint64) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.idx.term(i)
}

// Identity gives the owner's lines of the identity file.
func (l *Log) Identity() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dir.extra
}

// Recovered says what Open found and did.
func (l *Log) Recovered() Recovery { return l.recovered }

// SegmentBytes is the size of the segments being made.
func (l *Log) SegmentBytes() int64 { return l.opts.SegmentBytes }

// MaxEntryBytes is the most that the Data of one entry may be.
func (l *Log) MaxEntryBytes() int64 {
	return l.opts.MaxGroupBytes - groupHeader - entryHeader - hardStateBytes
}

// Entries reads the entries from lo up to but not including hi, as many as
// have maxBytes of data together, but at least one. The caller owns them. It
// fails with ErrCompacted or ErrUnavailable if the log does not hold lo, and
// with a DamageError if the disk does not give back what was written.
func (l *Log) Entries(lo, hi uint64, maxBytes int64) ([]Entry, error) {
	var entries []Entry
	for lo < hi {
		l.mu.Lock()
		r, end, err := l.idx.find(lo)
		f := l.files[r.segment]
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		got, err := l.readRun(f, r, lo, min(hi, end))
		if err != nil {
			// A segment that was retired meanwhile may be closed already, or
			// hold other groups.
			if base, _ := l.Bounds(); lo <= base {
				return nil, ErrCompacted
			}
			return nil, err
		}
		for _, e := range got {
			maxBytes -= int64(len(e.Data))
			if maxBytes < 0 && len(entries) > 0 {
				return entries, nil
			}
			entries = append(entries, e)
			lo++
		}
	}
	return entries, nil
}

// readRun reads the entries from lo up to but not including hi, which lie in
// the run r of segment f.
func (l *Log) readRun(f segmentFile, r run, lo, hi uint64) ([]Entry, error) {
	var entries []Entry
	var b []byte // what was read ahead, from off
	next := r.first
	for off := r.offset; next < hi; {
		g, ok := readGroup(b, f.seed)
		if !ok {
			var err error
			if b, err = readAhead(f, off); err != nil {
				return nil, fmt.Errorf("read segment %d: %w", f.number, err)
			}
			if g, ok = readGroup(b, f.seed); !ok {
				return nil, l.damaged(f.number, off, "a group that was written is not there")
			}
		}
		for p := g.payload; len(p) > 0; {
			rec, rest, err := readRecord(p)
			if err != nil {
				return nil, l.damaged(f.number, off, err.Error())
			}
			p = rest
			if rec.kind != kindEntry || next >= hi {
				continue
			}
			if rec.entry.Index != next {
				return nil, l.damaged(f.number, off, fmt.Sprintf("entry %d in the place of %d", rec.entry.Index, next))
			}
			if next >= lo {
				entries = append(entries, rec.entry)
			}
			next++
		}
		off += g.bytes()
		b = b[min(int64(len(b)), g.bytes()):]
	}
	return entries, nil
}

// readAhead reads the group at off, and more if it is small.
func readAhead(f segmentFile, off int64) ([]byte, error) {
	b := make([]byte, runSpacing)
	n, err := f.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	b = b[:n]
	size, _, ok := peekGroup(b, f.seed)
	if !ok || groupHeader+int64(size) <= int64(len(b)) {
		return b, nil
	}
	length, err := f.Size()
	if err != nil {
		return nil, err
	}
	whole := make([]byte, min(groupHeader+int64(size), max(0, length-off)))
	n, err = f.ReadAt(whole, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return whole[:n], nil
}

// damaged makes the error for a segment that recovery found good.
func (l *Log) damaged(number uint64, off int64, reason string) error {
	return &DamageError{File: l.dir.file(segmentName(number)), Offset: off, Reason: reason}
}
