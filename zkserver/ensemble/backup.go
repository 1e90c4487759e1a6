package ensemble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/mwqueue/mw/zkserver/wal"
)

// A Backup is the state of the machine at one entry: what its Capture wrote.
// Every byte was checked before it is given out; io.EOF means that all was
// good. It must be closed.
type Backup struct {
	io.ReadCloser
	Time int64 // of the last batch, milliseconds since 1970
}

// Backup gives the state as new as anything acknowledged before the call. It
// is a snapshot file, one that is there or one that is written for it, so that
// the machine goes on and a slow reader holds up nobody.
func (n *Node) Backup(ctx context.Context) (*Backup, error) {
	if err := n.ReadIndex(ctx); err != nil {
		return nil, fmt.Errorf("ensemble: backup: %w", err)
	}
	for {
		id, err := n.snapshot(ctx, 0)
		if err != nil {
			return nil, fmt.Errorf("ensemble: backup: %w", err)
		}
		b, err := n.openBackup(id)
		if errors.Is(err, fs.ErrNotExist) { // newer ones have taken its place meanwhile
			continue
		}
		return b, err
	}
}

// snapshot has one taken of what is applied now, unless the log has grown by
// less than so many bytes since the last one.
func (n *Node) snapshot(ctx context.Context, least int64) (wal.SnapshotID, error) {
	if !n.formed() {
		return wal.SnapshotID{}, errNotFormed
	}
	done := make(chan asked, 1)
	select {
	case n.snaps.asks <- ask{done, least}:
	case <-n.stopped:
		return wal.SnapshotID{}, ErrStopped
	case <-ctx.Done():
		return wal.SnapshotID{}, context.Cause(ctx)
	}
	select {
	case a := <-done:
		return a.id, a.err
	case <-n.stopped:
		return wal.SnapshotID{}, ErrStopped
	case <-ctx.Done():
		return wal.SnapshotID{}, context.Cause(ctx)
	}
}

// settleBytes is how much log is worth a snapshot before the end: less than
// this is read again in a moment.
const settleBytes = 4 << 20

// Settle takes a snapshot if much would have to be applied again at the next
// start. It is for a node that is about to stop.
func (n *Node) Settle(ctx context.Context) error {
	_, err := n.snapshot(ctx, settleBytes)
	return err
}

func (n *Node) openBackup(id wal.SnapshotID) (*Backup, error) {
	r, err := n.wal.OpenSnapshot(id)
	if err != nil {
		return nil, fmt.Errorf("ensemble: backup: %w", err)
	}
	m, err := decodeMeta(r.Meta())
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("ensemble: backup: %s: %w", n.wal.File(id), err)
	}
	return &Backup{ReadCloser: r, Time: m.time}, nil
}

// Seed makes the data directory of a new ensemble of one member that begins
// with a state: what the Capture of a Machine writes. cfg needs Dir alone. The
// directory must be new: one that is cut short by a crash is of no use, and
// the next Open says so.
func Seed(cfg Config, time int64, state io.WriterTo) (err error) {
	log, err := wal.Open(wal.Options{
		Dir: cfg.Dir, FS: cfg.FS, SegmentBytes: cfg.SegmentBytes,
		Identity: func() []byte { return newIdentity().encode() },
	})
	if err != nil {
		return err
	}
	defer func() {
		if closing := log.Close(); err == nil {
			err = closing
		}
	}()
	if _, last := log.Bounds(); last != 0 {
		return fmt.Errorf("ensemble: seed %s: it has a log already", cfg.Dir)
	}
	id, err := decodeIdentity(log.Identity())
	if err != nil {
		return err
	}
	// Not the bootstrap's own entry, after which a machine is empty.
	at := wal.SnapshotID{Index: bootstrapIndex + 1, Term: bootstrapTerm}
	b, err := meta{time: time, members: id.founding()}.encode()
	if err != nil {
		return err
	}
	w, err := log.CreateSnapshot(at, b)
	if err != nil {
		return err
	}
	if _, err := state.WriteTo(w); err != nil {
		w.Abort()
		return err
	}
	if _, err := w.Commit(); err != nil {
		return err
	}
	return log.Reset(wal.HardState{Term: at.Term, Commit: at.Index}, at.Index, at.Term)
}
