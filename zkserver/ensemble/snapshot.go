package ensemble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/mwqueue/mw/zkserver/wal"
)

// snapshots decides when to take a snapshot and takes it. The apply thread
// calls applied; run writes the files on a goroutine of its own.
type snapshots struct {
	storage *storage
	log     zerolog.Logger

	// A snapshot is due when the log has grown by either limit. Each time a
	// random part of up to a half is taken off, so that the members of an
	// ensemble do not all write at the same time.
	maxEntries, maxBytes int64

	// Owned by the apply thread.
	entries, bytes       int64 // since the last snapshot
	dueEntries, dueBytes int64

	// work carries captures from the apply thread to run. Its room for one is
	// never taken when busy is false.
	work chan capture
	busy atomic.Bool
	size atomic.Int64 // of the last snapshot file
}

// A capture is the machine's state at a position.
type capture struct {
	position
	state io.WriterTo
}

func newSnapshots(s *storage, maxEntries, maxBytes int64, log zerolog.Logger) *snapshots {
	t := &snapshots{storage: s, log: log, maxEntries: maxEntries, maxBytes: maxBytes, work: make(chan capture, 1)}
	t.rearm()
	return t
}

// rearm starts counting anew. A large state is written less often than a small
// one, so that snapshots do not become most of what is written.
func (t *snapshots) rearm() {
	bytes := max(t.maxBytes, t.size.Load())
	t.entries, t.bytes = 0, 0
	t.dueEntries = t.maxEntries - rand.Int64N(t.maxEntries/2+1)
	t.dueBytes = bytes - rand.Int64N(bytes/2+1)
}

// applied counts an entry, and captures the machine if a snapshot is due and
// none is being written.
func (t *snapshots) applied(p position, bytes int, m Machine) {
	t.entries++
	t.bytes += int64(max(bytes, 512)) // the least a group takes in the log
	if t.entries < t.dueEntries && t.bytes < t.dueBytes || t.busy.Load() {
		return
	}
	t.busy.Store(true)
	t.work <- capture{position: p, state: m.Capture()}
	t.rearm()
}

// run writes snapshots until ctx ends or the disk fails. For lack of space it
// gives one up: the log stays as it is, and the next one is tried in turn.
func (t *snapshots) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-t.work:
			err := t.write(ctx, c)
			switch {
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, wal.ErrDiskFull):
				t.log.Error().Err(err).Msg("snapshot given up")
				if err := t.storage.log.Shed(); err != nil {
					return err
				}
			case err != nil:
				return fmt.Errorf("snapshot of entry %d: %w", c.index, err)
			}
			t.busy.Store(false)
		}
	}
}

func (t *snapshots) write(ctx context.Context, c capture) error {
	start := time.Now()
	id := wal.SnapshotID{Index: c.index, Term: c.term}
	meta, err := encodeMeta(c.time, t.storage.conf)
	if err != nil {
		return err
	}
	w, err := t.storage.log.CreateSnapshot(id, meta)
	if err != nil {
		return err
	}
	if _, err := c.state.WriteTo(&endsWith{ctx, w}); err != nil {
		w.Abort()
		return err
	}
	size, err := w.Commit()
	if err != nil {
		return err
	}
	t.size.Store(size)
	t.storage.setSnapshot(id, t.storage.conf)
	t.log.Debug().Str("path", t.storage.log.File(id)).Dur("took", time.Since(start)).Msg("snapshot written")
	return truncate(t.storage.log)
}

// endsWith is a writer that fails when its context ends.
type endsWith struct {
	ctx context.Context
	w   io.Writer
}

func (e *endsWith) Write(p []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, context.Cause(e.ctx)
	}
	return e.w.Write(p)
}

// truncate drops the log up to the second newest snapshot, so that one bad
// snapshot costs nothing but a longer replay.
func truncate(log *wal.Log) error {
	ids, err := log.Snapshots()
	if err != nil || len(ids) < 2 {
		return err
	}
	if base, _ := log.Bounds(); ids[1].Index <= base {
		return nil
	}
	return log.Truncate(ids[1].Index, ids[1].Term)
}

// What a snapshot says about itself: u8 format | i64 time of the last batch,
// ms | raftpb.ConfState.
const metaFormat = 1

func encodeMeta(time int64, conf *pb.ConfState) ([]byte, error) {
	b := binary.BigEndian.AppendUint64([]byte{metaFormat}, uint64(time))
	return proto.MarshalOptions{}.MarshalAppend(b, conf)
}

func decodeMeta(b []byte) (time int64, conf *pb.ConfState, err error) {
	if len(b) < 9 || b[0] != metaFormat {
		return 0, nil, errors.New("snapshot written by a later version")
	}
	conf = &pb.ConfState{}
	if err := proto.Unmarshal(b[9:], conf); err != nil {
		return 0, nil, err
	}
	return int64(binary.BigEndian.Uint64(b[1:])), conf, nil
}
