package wal

import (
	"errors"
	"fmt"
)

// replay reads all segments, oldest first, and opens the last for appending.
func (l *Log) replay(numbers []uint64, mark watermark) error {
	if err := l.openSegments(numbers); err != nil {
		return err
	}
	first := l.files[numbers[0]].header
	l.idx.reset(first.index, first.term)
	l.hard, l.seq = first.hard, first.firstSeq-1
	l.recovered.Segments = len(numbers)
	var b []byte
	for i, n := range numbers {
		f := l.files[n]
		var err error
		if b, err = readAll(f, b); err != nil {
			return fmt.Errorf("wal: read segment %d: %w", n, err)
		}
		if i+1 < len(numbers) {
			err = l.replaySealed(f, b, l.files[numbers[i+1]].header)
		} else {
			err = l.replayLast(f, b, mark)
		}
		if err != nil {
			return err
		}
	}
	if l.hard.Commit > l.idx.last {
		return l.damaged(l.active, l.off, fmt.Sprintf("log ends at entry %d, but entry %d was committed", l.idx.last, l.hard.Commit))
	}
	return nil
}

// openSegments opens the files and checks that their headers fit together.
func (l *Log) openSegments(numbers []uint64) error {
	for i, n := range numbers {
		f, err := l.dir.fs.Open(l.dir.file(segmentName(n)))
		if err != nil {
			return fmt.Errorf("wal: open segment %d: %w", n, err)
		}
		l.files[n] = segmentFile{File: f} // so that it is closed
		b := make([]byte, sector)
		if _, err := f.ReadAt(b, 0); err != nil {
			return l.damaged(n, 0, "header cannot be read: "+err.Error())
		}
		h, ok := decodeHeader(b)
		size, err := f.Size()
		switch {
		case err != nil:
			return fmt.Errorf("wal: size of segment %d: %w", n, err)
		case !ok:
			return l.damaged(n, 0, "bad header")
		case h.log != l.dir.log || h.number != n:
			return l.damaged(n, 0, fmt.Sprintf("header is of segment %d of log %016x", h.number, h.log))
		case size != h.size:
			return l.damaged(n, size, fmt.Sprintf("file has %d bytes, was made with %d", size, h.size))
		case i > 0 && numbers[i-1]+1 != n:
			return l.damaged(numbers[i-1]+1, 0, "missing, but the next segment is there")
		}
		l.files[n] = segmentFile{File: f, header: h}
		l.active = n
	}
	return nil
}

// replaySealed reads a segment that must be whole up to the next one.
func (l *Log) replaySealed(f segmentFile, b []byte, next header) error {
	off, err := l.replayGroups(f, b, next.firstSeq)
	if err == nil && l.seq+1 != next.firstSeq {
		err = l.damaged(f.number, off, fmt.Sprintf("bad group %d in a finished segment", l.seq+1))
	}
	return err
}

// replayLast reads the last segment and decides about its tail.
func (l *Log) replayLast(f segmentFile, b []byte, mark watermark) error {
	var err error
	if l.off, err = l.replayGroups(f, b, 0); err != nil {
		return err
	}
	t := scanTail(b, l.off, l.seq+1, f.seed)
	switch {
	case t.seq != 0:
		return l.damaged(f.number, l.off, fmt.Sprintf("bad group %d, but group %d follows at offset %d", l.seq+1, t.seq, t.valid))
	case !f.used && t.garbage > l.opts.MaxGroupBytes:
		return l.damaged(f.number, l.off, fmt.Sprintf("bad group %d, and %d bytes after it are more than one group", l.seq+1, t.garbage))
	case l.seq < mark.seq:
		return l.damaged(f.number, l.off, fmt.Sprintf("log ends with group %d, but group %d was written", l.seq, mark.seq))
	}
	l.recovered.Groups = l.seq
	l.recovered.Clean = mark.clean && mark.seq == l.seq
	if l.recovered.Clean {
		return nil
	}
	if t.torn > 0 {
		l.recovered.Torn = &TornTail{File: l.dir.file(segmentName(f.number)), Offset: l.off, Bytes: t.torn}
	}
	if l.ReadOnly() {
		return nil
	}
	return l.rewrite(f, b[:l.off])
}

// replayGroups enters the groups of a segment into the index, up to the first
// that is not the next one or whose number is end. It gives the offset where
// it stopped.
func (l *Log) replayGroups(f segmentFile, b []byte, end uint64) (int64, error) {
	off := int64(sector)
	if f.firstSeq != l.seq+1 {
		return 0, l.damaged(f.number, 0, fmt.Sprintf("begins with group %d, but the one before ends with %d", f.firstSeq, l.seq))
	}
	for off < int64(len(b)) && l.seq+1 != end {
		g, ok := readGroup(b[off:], f.seed)
		if !ok || g.seq != l.seq+1 {
			break
		}
		if err := l.replayGroup(g, place{segment: f.number, offset: off}); err != nil {
			return 0, l.damaged(f.number, off, err.Error())
		}
		l.seq++
		off += g.bytes()
	}
	return off, nil
}

// replayGroup enters the records of a group into the index, in the order in
// which they lie there: an entry that was overwritten is gone at once,
// whatever a snapshot says.
func (l *Log) replayGroup(g group, p place) error {
	for b := g.payload; len(b) > 0; {
		rec, rest, err := readRecord(b)
		if err != nil {
			return err
		}
		b = rest
		switch rec.kind {
		case kindEntry:
			err = l.idx.add(rec.entry.Index, rec.entry.Term, p)
		case kindHardState:
			l.hard = rec.hard
		case kindMark:
			l.idx.reset(rec.mark.index, rec.mark.term)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite puts the good groups of the last segment into a new file. What was
// read may have come from the page cache only, if the process before ended
// because a sync failed.
func (l *Log) rewrite(old segmentFile, good []byte) error {
	name := l.dir.file(segmentName(old.number))
	f, err := l.copySegment(name+tempSuffix, good, old.size)
	if err == nil {
		err = l.dir.fs.Rename(name+tempSuffix, name)
	}
	if err == nil {
		err = l.dir.names.Sync()
	}
	if errors.Is(noSpace(err), ErrDiskFull) {
		// A full disk must not keep us from serving reads. Writing the same
		// bytes to the same place is as good, short of a failing sector.
		err = fillSegment(old, good, old.size)
	} else if err == nil {
		old.Close()
		l.files[old.number] = segmentFile{File: f, header: old.header}
	}
	if err != nil {
		return fmt.Errorf("wal: rewrite %s after an unclean stop: %w", name, err)
	}
	l.recovered.Rewritten = name
	return nil
}

// copySegment makes a segment with the groups of another. The file is open
// only if there is no error.
func (l *Log) copySegment(name string, good []byte, size int64) (File, error) {
	f, err := l.dir.fs.Create(name)
	if err != nil {
		return nil, err
	}
	if err := fillSegment(f, good, size); err != nil {
		f.Close()
		l.dir.fs.Remove(name) // gives the space back; the next recovery would, too
		return nil, err
	}
	return f, nil
}

// fillSegment writes good and then zeros, and waits for the disk.
func fillSegment(f File, good []byte, size int64) error {
	if _, err := f.WriteAt(good, 0); err != nil {
		return err
	}
	if err := zeroFill(f, int64(len(good)), size); err != nil {
		return err
	}
	return f.Datasync() // NB: there may have been nothing to fill
}
