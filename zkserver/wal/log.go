package wal

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Log is the durable log of one member, open in one process.
//
// Append, Reset and Mark must be called from one goroutine at a time. The
// other methods may be called from any.
type Log struct {
	opts      Options
	dir       *directory
	recovered Recovery

	// Owned by the goroutine that appends.
	out      groupWriter
	marks    File
	marked   uint64 // seq in the watermark file
	markedAt time.Time

	// wanted holds a token when Prepare has something to do.
	wanted chan struct{}
	// housekeeping is held by who makes or drops segment files.
	housekeeping chan struct{}

	mu      sync.Mutex // protects the fields below
	idx     index
	hard    HardState
	seq     uint64 // of the last group
	files   map[uint64]segmentFile
	active  uint64 // number of the last segment
	off     int64  // where its next group goes; changed only by who appends
	spares  []string
	spareNo uint64 // of the last spare made
	full    bool   // no spare, and no room to make one
	err     error  // Invariant: once set, nothing is written any more
	closed  bool
}

// segmentFile is an open segment.
type segmentFile struct {
	File
	header
}

// Append writes hard (unless it is zero) and entries as one group and returns
// when the disk has it. An entry at or below the last one truncates the log
// there first. The entries must follow one another; they are not kept.
//
// ErrDiskFull and ErrTooLarge mean that nothing was written. After any other
// error the log is at an end: it must be closed, and the process with it.
func (l *Log) Append(hard HardState, entries []Entry) error {
	if hard == (HardState{}) && len(entries) == 0 {
		return nil
	}
	l.out.begin(l.lastSeq() + 1)
	for i, e := range entries {
		if e.Index != entries[0].Index+uint64(i) {
			return fmt.Errorf("wal: append entry %d behind %d", e.Index, entries[i-1].Index)
		}
		l.out.entry(e)
	}
	if len(entries) > 0 {
		if err := l.follows(entries[0].Index); err != nil {
			return err
		}
	}
	if hard != (HardState{}) {
		l.out.hardState(hard)
	}
	return l.write(func(p place) error {
		for _, e := range entries {
			if err := l.idx.add(e.Index, e.Term, p); err != nil {
				return err
			}
		}
		return nil
	}, hard)
}

// Reset drops all entries and makes the next one follow index, whose term is
// given: a snapshot from another member has replaced what was before.
func (l *Log) Reset(hard HardState, index, term uint64) error {
	l.out.begin(l.lastSeq() + 1)
	l.out.mark(index, term)
	if hard != (HardState{}) {
		l.out.hardState(hard)
	}
	return l.write(func(place) error {
		l.idx.reset(index, term)
		return nil
	}, hard)
}

// follows checks that an entry with this index may be written next.
func (l *Log) follows(i uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i <= l.idx.base || i > l.idx.last+1 {
		return fmt.Errorf("wal: append entry %d to a log of %d to %d", i, l.idx.base+1, l.idx.last)
	}
	return nil
}

// write puts the group in l.out on the disk, then calls enter, with l.mu held,
// to make it visible.
func (l *Log) write(enter func(place) error, hard HardState) error {
	if n := int64(l.out.bytes()); n > l.opts.MaxGroupBytes {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, n, l.opts.MaxGroupBytes)
	}
	f, err := l.room(int64(l.out.bytes()))
	if err != nil {
		return err
	}
	b := l.out.end(f.seed)
	if _, err := f.WriteAt(b, l.off); err != nil {
		return l.fail(fmt.Errorf("write segment %d: %w", f.number, err))
	}
	if err := f.Datasync(); err != nil {
		return l.fail(fmt.Errorf("sync segment %d: %w", f.number, err))
	}

	l.mu.Lock()
	err = enter(place{segment: f.number, offset: l.off})
	if hard != (HardState{}) {
		l.hard = hard
	}
	l.seq++
	l.off += int64(len(b))
	l.mu.Unlock()
	if err != nil {
		return l.fail(err)
	}
	if time.Since(l.markedAt) >= l.opts.WatermarkEvery {
		return l.Mark()
	}
	return nil
}

// room gives the active segment, or a new one if n bytes do not fit.
func (l *Log) room(n int64) (segmentFile, error) {
	l.mu.Lock()
	f, err := l.files[l.active], l.err
	l.mu.Unlock()
	if err != nil || l.off+n <= f.size {
		return f, err
	}
	if err := l.rotate(); err != nil {
		return segmentFile{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[l.active], nil
}

// fail makes err the end of the log, unless it has ended before.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return l.err
}

func (l *Log) lastSeq() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// Close writes the clean watermark and lets go of the directory. No other
// call may be under way.
func (l *Log) Close() error {
	l.mu.Lock()
	good, closed, seq := l.err == nil, l.closed, l.seq
	l.err, l.closed = cmp.Or(l.err, ErrClosed), true
	l.mu.Unlock()
	if closed {
		return nil
	}
	var err error
	if good {
		err = l.markSynced(watermark{seq: seq, clean: true})
	}
	return errors.Join(err, l.release())
}

// release closes whatever is open, the lock last.
func (l *Log) release() error {
	var errs []error
	for _, f := range l.files {
		errs = append(errs, f.Close())
	}
	if l.marks != nil {
		errs = append(errs, l.marks.Close())
	}
	return errors.Join(append(errs, l.dir.close())...)
}
