package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/mwqueue/mw/zkserver/wal"
)

// replayBytes is about how much of the log is read at a time.
const replayBytes = 8 << 20

// Replay brings the machine to where the log of a stopped member ends, without
// raft, and gives the time of the last batch, in milliseconds since 1970. It
// changes nothing in the directory and needs no permission to. An only voter's
// log is taken whole, as its next start would; of one among several, what it
// knows to be committed. The error is one clear line.
func Replay(ctx context.Context, cfg Config) (time int64, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return 0, err
	}
	log, err := wal.OpenReadOnly(wal.Options{Dir: cfg.Dir, FS: cfg.FS, SegmentBytes: cfg.SegmentBytes})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	n := &Node{cfg: cfg, wal: log, backlog: newBacklog(0), storage: &storage{log: log}, roster: newRoster(), peers: &peers{}}
	id, err := decodeIdentity(log.Identity())
	if err != nil {
		return 0, err
	}
	if _, last := log.Bounds(); last == 0 {
		return 0, nil // it never began
	}
	n.roster.set(id.founding())
	start, err := n.restore()
	if err != nil {
		return 0, err
	}
	_, end := log.Bounds()
	if !n.roster.get().onlyVoter(id.member) {
		end = min(end, max(start.index, log.HardState().Commit))
	}
	return n.replay(ctx, start, end)
}

// replay applies the entries behind start up to end.
func (n *Node) replay(ctx context.Context, start position, end uint64) (time int64, err error) {
	a := &applier{
		machine: n.cfg.Machine, log: n.cfg.Log, position: start, startTerm: math.MaxUint64,
		backlog: n.backlog, roster: n.roster,
		snapshots: newSnapshots(n.storage, n.roster, math.MaxInt64, math.MaxInt64, n.cfg.Log), // none falls due
	}
	for a.index < end {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		entries, err := n.storage.Entries(a.index+1, end+1, replayBytes)
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			if err := a.apply(e); err != nil {
				return 0, fmt.Errorf("apply entry %d: %w", e.GetIndex(), err)
			}
		}
	}
	return a.time, nil
}
