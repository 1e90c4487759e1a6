package ensemble

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	hangLook = 100 * time.Millisecond

	// hangLimit is how long a write to the log may take. What hangs for longer is
	// not expected to come back, and whoever starts the process again finds out
	// what the disk has. Waiting for room on a full disk does not count.
	hangLimit = 30 * time.Second

	// hungExit is what the other threads are given to end in when the append
	// thread cannot.
	hungExit = time.Second
)

// A hang says how long the write to the log takes that is under way. The time is
// counted in looks, so that a stop of the whole process does not count.
type hang struct {
	writes atomic.Int64 // begun and ended ones: odd while one is under way
	age    atomic.Int64 // ns
	waits  atomic.Bool  // for room on a full disk
	left   atomic.Bool  // a thread was left behind

	// The fields below are the looking goroutine's own.
	seen    int64         // writes, at the last look
	took    time.Duration // by the one under way
	starved time.Duration // since there was no room for what is committed
	ending  time.Duration // since the threads were told to end

	behind func() bool // whether more is committed than is applied here; set before anything is written
}

// during runs a write.
func (h *hang) during(write func() error) error {
	h.writes.Add(1)
	defer h.writes.Add(1)
	return write()
}

// wait waits for a group of threads, whose context ends when one of them does,
// and looks after the writes meanwhile. A thread that does not come back is left
// behind: be it that a write takes too long, or that the disk does not let it end.
func (h *hang) wait(threads context.Context, cancel context.CancelCauseFunc, group func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- group() }()
	look := time.NewTicker(hangLook)
	defer look.Stop()
	for h.look(threads.Err() != nil) < hangLimit {
		select {
		case err := <-ended:
			return err
		case <-look.C:
		}
	}
	err := h.reason(threads)
	cancel(err) // the other threads
	late := time.NewTimer(hungExit)
	defer late.Stop()
	select {
	case own := <-ended:
		if h.took < hangLimit {
			return own // it was slow to end, no more
		}
	case <-late.C:
		h.left.Store(true)
	}
	return err
}

// reason says why the threads are not waited for any longer: a write that hangs, or
// a thread that does not end for a reason unknown. What made them end is said as well.
func (h *hang) reason(threads context.Context) error {
	err := fmt.Errorf("%w after %v", ErrHangs, hangLimit)
	if h.took >= hangLimit {
		err = fmt.Errorf("%w: a write has not ended for %v", ErrDisk, hangLimit)
	}
	if threads.Err() != nil {
		err = fmt.Errorf("%w: %w", err, context.Cause(threads))
	}
	return err
}

// look counts a look, and gives how long the disk has kept the process waiting.
func (h *hang) look(ending bool) time.Duration {
	h.took += hangLook
	if now := h.writes.Load(); now%2 == 0 || now != h.seen {
		h.seen, h.took = now, 0
	}
	h.starved += hangLook
	if !h.waits.Load() || !h.behind() {
		h.starved = 0
	}
	h.age.Store(int64(max(h.took, h.starved)))
	if ending {
		h.ending += hangLook
	}
	return max(h.took, h.ending)
}

// close closes the log. If that hangs, or a thread that was left behind may still
// write to it, the directory stays taken until the process ends.
func (h *hang) close(closeLog func() error) error {
	err := fmt.Errorf("%w: the log is left open", ErrDisk)
	if h.left.Load() {
		return err
	}
	closed := make(chan error, 1)
	go func() { closed <- closeLog() }()
	late := time.NewTimer(hangLimit)
	defer late.Stop()
	select {
	case err := <-closed:
		return err
	case <-late.C:
		return err
	}
}

// DiskHangs says for how long the write to the log takes that is under way, or for
// how long a full disk has kept the log from taking what the others have committed.
// It is 0 mostly: short times are not seen.
func (n *Node) DiskHangs() time.Duration { return time.Duration(n.hang.age.Load()) }
