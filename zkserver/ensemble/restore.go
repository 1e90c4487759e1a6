package ensemble

import (
	"errors"
	"fmt"
	"io"

	"github.com/mwqueue/mw/zkserver/wal"
)

// bootstrapIndex is the entry that every log begins after. It is not 0, so
// that a member which joins with an empty log is given a snapshot and, with
// it, the members: see Bootstrap in the raft library.
const (
	bootstrapIndex = 1
	bootstrapTerm  = 1
)

// restore brings the machine to the newest snapshot that is good and from
// which the log goes on. Without one, the machine stays empty and the log must
// be whole. The roster is what the ensemble was founded with, and becomes that of
// the snapshot.
func (n *Node) restore() (position, error) {
	ids, err := n.wal.Snapshots()
	if err != nil {
		return position{}, err
	}
	start := position{index: bootstrapIndex, term: bootstrapTerm}
	var bad []wal.SnapshotID
	for _, id := range ids {
		m, err := n.restoreSnapshot(id)
		if errors.Is(err, wal.ErrDamaged) {
			n.cfg.Log.Warn().Err(err).Msg("snapshot skipped")
			bad = append(bad, id)
			continue
		}
		if err == nil {
			err = n.finishInstall(id, m)
		}
		if err != nil {
			return position{}, err
		}
		start = position{index: id.Index, term: id.Term, time: m.time}
		n.roster.set(m.members)
		break
	}
	if err := n.checkReach(start); err != nil {
		return position{}, err
	}
	if n.wal.ReadOnly() {
		return start, nil
	}
	for _, id := range bad {
		if err := n.wal.SetAside(id); err != nil {
			return position{}, err
		}
	}
	if start.index > bootstrapIndex {
		n.storage.setSnapshot(wal.SnapshotID{Index: start.index, Term: start.term}, n.roster.get().conf)
	}
	return start, n.wal.Truncate(n.truncateAt(start))
}

// restoreSnapshot gives the machine a snapshot, which is read once: the machine
// stays as it is if that ends with an error. See [Machine].
func (n *Node) restoreSnapshot(id wal.SnapshotID) (meta, error) {
	r, err := n.wal.OpenSnapshot(id)
	if err != nil {
		return meta{}, err
	}
	defer r.Close()
	m, err := decodeMeta(r.Meta())
	if err == nil {
		err = n.cfg.understands(m.members)
	}
	if err == nil {
		err = n.cfg.Machine.Restore(r)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r) // there is nothing but the end of file
	}
	if err != nil {
		return meta{}, fmt.Errorf("restore %s: %w", n.wal.File(id), err)
	}
	return m, nil
}

// checkReach makes sure that the log goes on where the machine is.
func (n *Node) checkReach(p position) error {
	base, last := n.wal.Bounds()
	if base > p.index || last < p.index {
		return fmt.Errorf("data directory %s: %w: the log holds entries %d to %d, but the newest good snapshot ends at entry %d",
			n.cfg.Dir, wal.ErrDamaged, base+1, last, p.index)
	}
	if term, err := n.wal.Term(p.index); err == nil && term != p.term {
		return fmt.Errorf("data directory %s: %w: entry %d has term %d in the log, but %d in the snapshot",
			n.cfg.Dir, wal.ErrDamaged, p.index, term, p.term)
	}
	return nil
}

// truncateAt gives the entry from which on the log is kept: the second newest
// snapshot if the log reaches back to it, else the one that was restored.
func (n *Node) truncateAt(restored position) (index, term uint64) {
	base, _ := n.wal.Bounds()
	if ids, err := n.wal.Snapshots(); err == nil && len(ids) > 1 && ids[1].Index >= base {
		return ids[1].Index, ids[1].Term
	}
	if term, err := n.wal.Term(base); err == nil {
		return base, term
	}
	return restored.index, restored.term
}
