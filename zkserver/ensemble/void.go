package ensemble

import (
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"
)

// ErrVoid says that a data directory must not be used any more: the member knows less
// than it has promised, or has applied what the ensemble has not. Open and Run end with
// it. The directory is marked, so that it is not even used where nobody could notice.
var ErrVoid = errors.New("ensemble: not to be used any more")

// refute looks whether a message of raft's proves that our log is not what it was, or
// not what the others have, and says how. Raft would panic, or take no notice.
func (l *loop) refute(m *pb.Message) (why string) {
	switch m.GetType() {
	case pb.MsgHeartbeat:
		return l.forgotten(m)
	case pb.MsgApp:
		why = l.contradicted(m, m.GetIndex(), m.GetLogTerm())
		for _, e := range m.GetEntries() {
			if why != "" || e.GetIndex() > l.fixed() {
				break
			}
			why = l.contradicted(m, e.GetIndex(), e.GetTerm())
		}
	case pb.MsgSnap:
		at := m.GetSnapshot().GetMetadata()
		why = l.contradicted(m, at.GetIndex(), at.GetTerm())
	}
	return why
}

// forgotten looks at a heartbeat: of what is committed it tells a member only what that
// one has acknowledged, which is what it had on its disk. A tail that a power cut took
// away was not acknowledged.
func (l *loop) forgotten(m *pb.Message) string {
	_, last := l.transfers.storage.log.Bounds()
	if m.GetCommit() <= last {
		return ""
	}
	return fmt.Sprintf("member %d has acknowledged entries up to %d, and its log ends at entry %d: this is an older copy of its directory, or the disk has lost what it had: empty it, and the others give the member what they have",
		l.peers.number, m.GetCommit(), last)
}

// fixed is up to which entry our log on the disk is committed. What is committed beyond
// may be on its way there, in the place of something else.
func (l *loop) fixed() uint64 { return max(l.replayed, l.reads.applied) }

// contradicted looks whether the leader has another entry where ours is committed. A
// leader of an earlier term may have; one of this has all that is committed, or what is
// committed was lost.
func (l *loop) contradicted(m *pb.Message, index, term uint64) string {
	if m.GetTerm() < l.term || index > l.fixed() {
		return ""
	}
	own, err := l.transfers.storage.Term(index)
	if err != nil || own == term { // entries that are compacted are not known any more
		return ""
	}
	from, _ := l.peers.numberOf(m.GetFrom())
	return fmt.Sprintf("entry %d was committed here with term %d, and member %d leads with one of term %d: the others have gone on without what member %d knew: take a backup if what only it has is to be kept, then empty the directory, and the others give the member what they have",
		index, own, from, term, l.peers.number)
}

// void ends the node, after it has marked the directory for ever.
func (n *Node) void(why string) error {
	err := voidError(n.cfg.Dir, why)
	id := n.id
	id.void = why
	if marking := n.wal.SetIdentity(id.encode()); marking != nil {
		err = errors.Join(err, fmt.Errorf("mark the directory: %w", marking))
	}
	return err
}

func voidError(dir, why string) error {
	return fmt.Errorf("data directory %s: %w: %s", dir, ErrVoid, why)
}
