package ensemble

import (
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"
)

// ErrVoid says that a data directory must not be used any more: the member knows less
// than it has promised. Open and Run end with
// it. The directory is marked, so that it is not even used where nobody could notice.
var ErrVoid = errors.New("ensemble: not to be used any more")

// refute looks whether a message of raft's proves that our log is not what it was, and
// says how. Raft would panic.
func (l *loop) refute(m *pb.Message) (why string) {
	if m.GetType() == pb.MsgHeartbeat {
		return l.forgotten(m)
	}
	return ""
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
