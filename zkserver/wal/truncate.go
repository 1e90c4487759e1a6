package wal

import (
	"fmt"
	"slices"
)

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
		err = l.dir.names.Sync()
	}
	if err != nil {
		return l.fail(fmt.Errorf("retire segment %d: %w", h.number, err))
	}
	if recycle {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.spares = append(l.spares, spare)
		l.full = false
	}
	return nil
}

// Shed removes all spare segments but one, to make room on a full disk.
func (l *Log) Shed() error {
	l.housekeeping <- struct{}{}
	defer func() { <-l.housekeeping }()

	l.mu.Lock()
	var extra []string
	if len(l.spares) > 1 {
		extra = slices.Clone(l.spares[1:])
		l.spares = l.spares[:1]
	}
	l.mu.Unlock()
	for _, name := range extra {
		if err := l.dir.fs.Remove(l.dir.file(name)); err != nil {
			return l.fail(fmt.Errorf("remove spare segment: %w", err))
		}
	}
	return nil
}
