package ensemble

import (
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
)

// A snapshot of another member takes these steps, each durable before the next:
//
//	receive   its file is written, marked as received
//	install   the log is emptied and goes on behind it    append thread
//	restore   the machine is given it                     apply thread
//
// If the process ends before install, the file reaches further than the log,
// and the next Open installs it: a snapshot holds nothing but what is committed.

// install empties the log, which goes on behind a snapshot whose file is on the
// disk.
func (s *storage) install(hard wal.HardState, snapshot *pb.Snapshot) error {
	at := snapshot.GetMetadata()
	if err := s.log.Reset(hard, at.GetIndex(), at.GetTerm()); err != nil {
		return err
	}
	s.recent.reset()
	s.setSnapshot(wal.SnapshotID{Index: at.GetIndex(), Term: at.GetTerm()}, at.GetConfState())
	return nil
}

// restore gives the machine a snapshot of another member. What has become of
// the commands of this one is not known then.
func (a *applier) restore(snapshot *pb.Snapshot) error {
	at := snapshot.GetMetadata()
	a.backlog.forget()
	m, err := a.load(wal.SnapshotID{Index: at.GetIndex(), Term: at.GetTerm()})
	if err != nil {
		return err
	}
	a.position = position{index: at.GetIndex(), term: at.GetTerm(), time: m.time}
	a.enter(m.members, nil)
	a.snapshots.rearm()
	a.snapshots.received.Store(0)
	a.log.Info().Uint64("index", a.index).Msg("state of another member taken over")
	return nil
}

// finishInstall is for the start: if the newest snapshot was received and the
// process ended before the log was emptied, that is done now.
func (n *Node) finishInstall(id wal.SnapshotID, m meta) error {
	_, last := n.wal.Bounds()
	term, err := n.wal.Term(id.Index)
	if !m.received || id.Index <= last && (term == id.Term || errors.Is(err, wal.ErrCompacted)) {
		return nil
	}
	if n.wal.ReadOnly() {
		return fmt.Errorf("data directory %s: the member stopped while it was given the state of another one: run it once", n.cfg.Dir)
	}
	hard := n.wal.HardState()
	if hard.Term < id.Term {
		hard.Term, hard.Vote = id.Term, 0
	}
	hard.Commit = id.Index
	if err := n.wal.Reset(hard, id.Index, id.Term); err != nil {
		return fmt.Errorf("install snapshot of entry %d: %w", id.Index, err)
	}
	n.cfg.Log.Info().Uint64("index", id.Index).Msg("snapshot of another member installed")
	return nil
}
