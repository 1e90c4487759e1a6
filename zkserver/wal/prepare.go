package wal

import (
	"errors"
	"fmt"
)

// Wanted has a token when the next segment should be prepared. One goroutine
// receives from it and calls [Log.Prepare].
func (l *Log) Wanted() <-chan struct{} { return l.wanted }

// Full reports whether the log could not prepare a segment for lack of space.
// What is left of the active segment is then a reserve: new work should be
// refused until a call of Prepare succeeds.
func (l *Log) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.full
}

// Reserve is how many bytes the active segment can still take.
func (l *Log) Reserve() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[l.active].size - l.off
}

// Prepare allocates and zero-fills a spare segment if there is none, so that
// appends need not wait when the active one is full. It takes about as long
// as writing a segment does. ErrDiskFull means to try again later; any other
// error is the end of the log.
func (l *Log) Prepare() error {
	l.housekeeping <- struct{}{}
	defer func() { <-l.housekeeping }()

	l.mu.Lock()
	have, err := len(l.spares) > 0, l.err
	if !have {
		l.spareNo++
	}
	name := fmt.Sprintf("%016x%s", l.spareNo, spareSuffix)
	l.mu.Unlock()
	if have || err != nil {
		return err
	}

	err = l.makeSpare(name)
	full := errors.Is(err, ErrDiskFull)
	if err != nil && !full {
		return l.fail(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = full
	if !full {
		l.spares = append(l.spares, name)
	}
	return err
}

// fillStep is how much is zero-filled between syncs: little enough that the
// syncs of the log beside it do not have to wait long.
const fillStep = 1 << 20

func (l *Log) makeSpare(name string) (err error) {
	temp := l.dir.file(name + tempSuffix)
	defer func() {
		if err != nil {
			l.dir.fs.Remove(temp) // gives the space back; recovery would, too
			err = fmt.Errorf("prepare segment: %w", noSpace(err))
		}
	}()
	f, err := l.dir.fs.Create(temp)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := zeroFill(f, 0, l.opts.SegmentBytes); err != nil {
		return err
	}
	if err := l.dir.fs.Rename(temp, l.dir.file(name)); err != nil {
		return err
	}
	return l.dir.fs.SyncDir(l.dir.path)
}

// zeroFill writes zeros from one offset to another and waits for the disk.
func zeroFill(f File, from, to int64) error {
	for from < to {
		end := min(to, from+fillStep)
		for from < end {
			n, err := f.WriteAt(zeros[:min(int64(len(zeros)), end-from)], from)
			if err != nil {
				return err
			}
			from += int64(n)
		}
		if err := f.Datasync(); err != nil {
			return err
		}
	}
	return nil
}

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

	f, err := l.beginSegment(spare, h)
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

func (l *Log) beginSegment(spare string, h header) (File, error) {
	f, err := l.dir.fs.Open(l.dir.file(spare))
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteAt(h.encode(), 0); err == nil {
		err = f.Datasync()
	}
	if err == nil {
		err = l.dir.fs.Rename(l.dir.file(spare), l.dir.file(segmentName(h.number)))
	}
	if err == nil {
		err = l.dir.fs.SyncDir(l.dir.path)
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

// Truncate drops entry index, whose term is given, and all before it: a
// snapshot holds their effect. Segments without other entries become spares
// or are removed.
func (l *Log) Truncate(index, term uint64) error {
	l.housekeeping <- struct{}{}
	defer func() { <-l.housekeeping }()

	l.mu.Lock()
	l.idx.truncate(index, term)
	keep, ok := l.idx.oldest()
	if !ok {
		keep = l.active
	}
	err := l.err
	l.mu.Unlock()

	// Oldest first, each made durable before the next, so that the segments
	// that are left are always one unbroken row.
	for err == nil {
		l.mu.Lock()
		oldest := l.active
		for number := range l.files {
			oldest = min(oldest, number)
		}
		f := l.files[oldest]
		if oldest < keep {
			delete(l.files, oldest)
		}
		l.mu.Unlock()
		if oldest >= keep {
			return nil
		}
		f.Close()
		err = l.retire(f.header)
	}
	return err
}

// retire makes a spare of a segment, or removes it. It holds housekeeping.
func (l *Log) retire(h header) error {
	l.mu.Lock()
	recycle := h.size == l.opts.SegmentBytes && len(l.spares) < l.opts.SpareSegments
	l.spareNo++
	spare := fmt.Sprintf("%016x%s", l.spareNo, spareSuffix)
	l.mu.Unlock()

	var err error
	if recycle {
		err = l.dir.fs.Rename(l.dir.file(segmentName(h.number)), l.dir.file(spare))
	} else {
		err = l.dir.fs.Remove(l.dir.file(segmentName(h.number)))
	}
	if err == nil {
		err = l.dir.fs.SyncDir(l.dir.path)
	}
	if err != nil {
		return fmt.Errorf("retire segment %d: %w", h.number, err)
	}
	if recycle {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.spares = append(l.spares, spare)
		l.full = false
	}
	return nil
}
