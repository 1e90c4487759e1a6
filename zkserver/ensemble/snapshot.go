package ensemble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/rs/zerolog"
)

// maxPutOff is how many seconds pass at most until a snapshot is tried again for
// which the disk had no room: each try fills it.
const maxPutOff = 60

// snapshots decides when to take a snapshot and takes it. The apply thread
// calls applied and relieve; run writes the files on a goroutine of its own.
type snapshots struct {
	storage *storage
	roster  *roster
	log     zerolog.Logger

	// writing is held by who writes a file: run, or one that receives a
	// snapshot of another member.
	writing sync.Mutex

	// received is the last entry of another member's snapshot, from when its
	// file is on the disk until the machine has it, or raft has no use for it;
	// 0 if there is none. Meanwhile no other is taken: enough of them would
	// push it out of the directory.
	received atomic.Uint64

	partMu sync.Mutex // protects part; taken after writing
	part   *partial   // of another member's snapshot; nil if none broke off

	// A snapshot is due when the log has grown by either limit. Each time a
	// random part of up to a half is taken off, so that the members of an
	// ensemble do not all write at the same time.
	maxEntries, maxBytes int64

	// Owned by the apply thread.
	entries, bytes       int64 // since the last snapshot
	dueEntries, dueBytes int64
	owed                 uint64 // to a new member: a snapshot of this entry or a later one; 0 for none

	// putOff is how many more reminders what is owed waits for, since there was no
	// room for a snapshot: 1, 2, 4 and so on as that comes again, 60 at most.
	putOff  atomic.Int32
	givenUp int // snapshots in a row; owned by run

	// work carries captures from the apply thread to run. Its room for one is
	// never taken when busy is false.
	work chan capture
	busy atomic.Bool
	size atomic.Int64 // of the last snapshot file

	// wanted has a token while the log has no room to grow: a snapshot may
	// make some.
	wanted chan struct{}

	// asks carries who wants a snapshot of what is applied now, from any
	// goroutine to the apply thread, which takes one when no snapshot is being
	// written. idle has a token when one has been.
	asks chan ask
	idle chan struct{}
}

// An ask is one wish for a snapshot, if the log has grown by so many bytes since
// the last one. done has room for the one answer.
type ask struct {
	done  chan<- asked
	least int64
}

type asked struct {
	id  wal.SnapshotID
	err error
}

// A capture is the machine's state at a position. For a relief that can do
// without a new snapshot, state is nil.
type capture struct {
	position
	state   io.WriterTo
	members *membership
	relief  bool // the disk is full
	ask     ask  // who waits for it, if anybody
}

func newSnapshots(s *storage, r *roster, maxEntries, maxBytes int64, log zerolog.Logger) *snapshots {
	t := &snapshots{
		storage: s, roster: r, log: log, maxEntries: maxEntries, maxBytes: maxBytes,
		work: make(chan capture, 1), wanted: make(chan struct{}, 1),
		asks: make(chan ask), idle: make(chan struct{}, 1),
	}
	t.rearm()
	return t
}

// rearm starts counting anew. A large state is written less often than a small
// one, so that snapshots do not become most of what is written.
func (t *snapshots) rearm() {
	bytes := max(t.maxBytes, t.size.Load()/2)
	t.entries, t.bytes = 0, 0
	t.dueEntries = t.maxEntries - randomBelow(t.maxEntries/2+1)
	t.dueBytes = bytes - randomBelow(bytes/2+1)
}

// applied counts an entry, and captures the machine if a snapshot is due and
// none is being written.
func (t *snapshots) applied(p position, bytes int, m Machine) {
	t.entries++
	t.bytes += int64(max(bytes, 512)) // the least a group takes in the log
	if t.entries < t.dueEntries && t.bytes < t.dueBytes && !t.owes() || t.busy.Load() {
		return
	}
	t.busy.Store(true)
	t.work <- t.capture(p, m)
	t.rearm()
}

// again captures what is owed, when a snapshot has been written.
func (t *snapshots) again(p position, m Machine) {
	if t.owes() {
		t.applied(p, 0, m)
	}
}

// owes reports whether a snapshot is owed, and may be tried. It is called by the
// apply thread. One that was given up is still owed.
func (t *snapshots) owes() bool {
	if t.owed != 0 && t.owed <= t.storage.snapshotIndex() {
		t.owed = 0
	}
	return t.owed != 0 && t.putOff.Load() == 0
}

// remind has what was put off tried again, when it is time. It is called once a
// second, always by the same goroutine.
func (t *snapshots) remind() {
	if t.putOff.Load() > 0 && t.putOff.Add(-1) == 0 {
		signal(t.idle)
	}
}

func (t *snapshots) capture(p position, m Machine) capture {
	return capture{position: p, state: m.Capture(), members: t.roster.get()}
}

// want asks for relief of a full disk. It is asked again if the disk stays
// full, so that nothing need be remembered.
func (t *snapshots) want() {
	select {
	case t.wanted <- struct{}{}:
	default:
	}
}

// relieve captures the machine, if it has changed since the last snapshot, so
// that the log before can go.
func (t *snapshots) relieve(p position, m Machine) {
	if t.busy.Load() {
		return
	}
	t.busy.Store(true)
	c := capture{position: p, relief: true}
	if p.index > t.storage.snapshotIndex() {
		c = t.capture(p, m)
		c.relief = true
		t.rearm()
	}
	t.work <- c
}

// open gives the asks that may be taken now: none while a snapshot is written.
func (t *snapshots) open() <-chan ask {
	if t.busy.Load() {
		return nil
	}
	return t.asks
}

// answer captures the machine for one who asked, unless the newest snapshot is
// of the same entry.
func (t *snapshots) answer(a ask, p position, m Machine) {
	if p.index == t.storage.snapshotIndex() || t.bytes < a.least {
		a.done <- asked{id: wal.SnapshotID{Index: p.index, Term: p.term}}
		return
	}
	t.busy.Store(true)
	c := t.capture(p, m)
	c.ask = a
	t.work <- c
	t.rearm()
}

// run writes snapshots until ctx ends or the disk fails.
func (t *snapshots) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-t.work:
			if err := t.turn(ctx, c); err != nil {
				return err
			}
		}
	}
}

// turn writes one snapshot. For lack of space it is given up: the log stays as
// it is, and the next one is tried in turn.
func (t *snapshots) turn(ctx context.Context, c capture) error {
	var err error
	if c.state != nil {
		err = t.write(ctx, c)
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, wal.ErrDiskFull):
		t.putOff.Store(int32(min(1<<min(t.givenUp, 6), maxPutOff)))
		t.givenUp++
		t.log.Error().Err(err).Msg("snapshot given up")
		if err := t.storage.log.Shed(); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("snapshot of entry %d: %w", c.index, err)
	case c.state != nil:
		t.givenUp = 0
	}
	if c.relief {
		if err := t.makeRoom(c.index); err != nil {
			return err
		}
	}
	if c.ask.done != nil {
		c.ask.done <- asked{id: wal.SnapshotID{Index: c.index, Term: c.term}, err: err}
	}
	t.busy.Store(false)
	signal(t.idle)
	return nil
}

func (t *snapshots) write(ctx context.Context, c capture) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	start := time.Now()
	id := wal.SnapshotID{Index: c.index, Term: c.term}
	t.dropPartOf(id)
	w, err := t.create(id, c)
	if err != nil {
		discard(c.state)
		return err
	}
	if _, err := c.state.WriteTo(&pacedWriter{ctx: ctx, w: w, hurry: c.relief || c.ask.done != nil, rested: start}); err != nil {
		w.Abort()
		return err
	}
	size, err := w.Commit()
	if err != nil {
		return err
	}
	t.size.Store(size)
	t.storage.setSnapshot(id, c.members.conf)
	t.dropPart() // this member has got the log in another way, or alone
	t.log.Debug().Str("path", t.storage.log.File(id)).Dur("took", time.Since(start)).Msg("snapshot written")
	return truncate(t.storage.log, 2, c.index)
}

func (t *snapshots) create(id wal.SnapshotID, c capture) (*wal.SnapshotWriter, error) {
	b, err := meta{time: c.time, members: c.members}.encode()
	if err != nil {
		return nil, err
	}
	return t.storage.log.CreateSnapshot(id, b)
}

// discard tells the machine that what it captured will not be written, so that it
// need not hold on to it.
func discard(state io.WriterTo) {
	if d, ok := state.(interface{ Discard() }); ok {
		d.Discard()
	}
}

// truncate drops the log up to the oldest of the newest few snapshots. With
// two, a bad one costs nothing but a longer replay. One may be of an entry that is not
// applied here: of another member, and raft had no use for it. The log before that is
// needed.
func truncate(log *wal.Log, keep int, applied uint64) error {
	ids, err := log.Snapshots()
	if err != nil || len(ids) < keep {
		return err
	}
	id := ids[keep-1]
	if base, _ := log.Bounds(); id.Index <= base || id.Index > applied {
		return nil
	}
	return log.Truncate(id.Index, id.Term)
}

// makeRoom gives the log room to grow on a full disk, from what is there: first
// what is of no use any more, and if that is not enough the snapshot to fall
// back to, with the log that only it needs.
func (t *snapshots) makeRoom(applied uint64) error {
	t.dropPart()
	log := t.storage.log
	for keep := 2; keep > 0; keep-- {
		if err := log.DropSnapshots(keep); err != nil {
			return roomError(err)
		}
		if err := truncate(log, keep, applied); err != nil {
			return roomError(err)
		}
		if err := log.Prepare(); !errors.Is(err, wal.ErrDiskFull) {
			return err
		}
	}
	return nil
}

// roomError is nil for what can be tried again.
func roomError(err error) error {
	if errors.Is(err, wal.ErrDiskFull) {
		return nil
	}
	return fmt.Errorf("make room: %w", err)
}
