package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Recovery says what [Open] found and did. It is for a log line.
type Recovery struct {
	New       bool // the directory was empty
	Clean     bool // the log had been closed in order
	Segments  int
	Groups    uint64
	Torn      *TornTail // what was cut off, if anything
	Rewritten string    // the file that was rewritten after an unclean stop
	Unmarked  bool      // there was no usable watermark
}

// TornTail says where a log was cut.
type TornTail struct {
	File   string
	Offset int64
	Bytes  int64 // of garbage after it
}

func (t *TornTail) String() string {
	return fmt.Sprintf("group not finished at offset %d, %d bytes dropped", t.Offset, t.Bytes)
}

// Open takes the data directory, which it makes if need be, and recovers the
// log in it by the rules in the package documentation. The error is one line:
// ErrLocked, ErrVersion, ErrForeign, a DamageError, ErrDiskFull, or what the file system
// said. After an error nothing is held open.
func Open(o Options) (*Log, error) {
	o = o.withDefaults()
	dir, err := openDirectory(o.FS, o.Dir, o.Identity)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	l := &Log{
		opts: o, dir: dir, files: map[uint64]segmentFile{},
		wanted: make(chan struct{}, 1), housekeeping: make(chan struct{}, 1),
	}
	l.wanted <- struct{}{}
	if err := l.recover(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// recover changes nothing before it knows that it will not refuse.
func (l *Log) recover() error {
	names, err := l.dir.fs.ReadDir(l.dir.path)
	if err != nil {
		return fmt.Errorf("wal: list %s: %w", l.dir.path, err)
	}
	mark, err := l.openWatermark()
	if err != nil {
		return fmt.Errorf("wal: open watermark: %w", err)
	}
	var segments []uint64
	for _, name := range names {
		if n, ok := parseNumber(name, segmentSuffix); ok {
			segments = append(segments, n)
		}
	}
	slices.Sort(segments)
	if len(segments) > 0 {
		if err := l.replay(segments, mark); err != nil {
			return err
		}
	}
	if err := l.tidy(names); err != nil {
		return fmt.Errorf("wal: tidy %s: %w", l.dir.path, err)
	}
	if len(segments) == 0 {
		if err := l.begin(mark); err != nil {
			return err
		}
	}
	return l.markSynced(watermark{seq: l.seq})
}

// tidy keeps the spares among the names that have the size in use now, and
// removes the others and what was half made.
func (l *Log) tidy(names []string) error {
	for _, name := range names {
		n, spare := parseNumber(name, spareSuffix)
		if spare {
			l.spareNo = max(l.spareNo, n)
			size, err := l.sizeOf(name)
			if err != nil {
				return err
			}
			if size == l.opts.SegmentBytes {
				l.spares = append(l.spares, name)
				continue
			}
		}
		if !spare && !halfMade(name) {
			continue
		}
		// A name can be gone: recovery renames what it has made.
		if err := l.dir.fs.Remove(l.dir.file(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (l *Log) sizeOf(name string) (int64, error) {
	f, err := l.dir.fs.Open(l.dir.file(name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Size()
}

// begin makes the first segment of a new log.
func (l *Log) begin(mark watermark) error {
	if mark.seq > 0 {
		return &DamageError{File: l.dir.path, Reason: fmt.Sprintf("no log, but group %d was written", mark.seq)}
	}
	if snapshots, err := l.Snapshots(); err != nil {
		return err
	} else if len(snapshots) > 0 {
		return &DamageError{File: l.dir.path, Reason: "no log, but there are snapshots"}
	}
	l.recovered.New = true
	return l.rotate()
}
