package wal

import (
	"errors"
	"fmt"
	"syscall"
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
	// Filling the disk to the brim before giving up would take the room from a
	// snapshot that is being written to make some.
	if free, err := l.dir.fs.Free(l.dir.path); err == nil && free < l.opts.SegmentBytes {
		return syscall.ENOSPC
	}
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
	return l.dir.names.Sync()
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
