package ensemble

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
)

// peers knows the members by raft's numbers and by ours, and sends to them.
// It does not change while a node runs.
type peers struct {
	self      uint64 // raft's number
	number    int    // our own
	members   []peer
	transport Transport // nil if there is nobody else
}

type peer struct {
	raft   uint64
	number int
}

// memberID is raft's number of a member. Who loses the data directory, and with
// it votes and entries, comes back as another incarnation, and so as another
// voter.
func memberID(cluster uint64, number int, incarnation uint64) uint64 {
	b := binary.BigEndian.AppendUint64([]byte("mw member"), cluster)
	b = binary.BigEndian.AppendUint64(b, uint64(number))
	b = binary.BigEndian.AppendUint64(b, incarnation)
	sum := sha256.Sum256(b)
	// The highest numbers are raft's local threads, and 0 is nobody.
	return binary.BigEndian.Uint64(sum[:])>>1 | 1
}

// numberOf gives the number of a member, or false if raft's is not known.
func (p *peers) numberOf(id uint64) (int, bool) {
	i := slices.IndexFunc(p.members, func(m peer) bool { return m.raft == id })
	if i < 0 {
		return 0, false
	}
	return p.members[i].number, true
}

// is reports whether a member has both numbers.
func (p *peers) is(id uint64, number int) bool {
	return slices.Contains(p.members, peer{id, number})
}

// send sends a message of raft's to another member.
func (p *peers) send(m *pb.Message) {
	if to, ok := p.numberOf(m.GetTo()); ok && to != p.number && p.transport != nil {
		p.transport.SendRaft(to, m)
	}
}

// sendFrame sends a frame to a member.
func (p *peers) sendFrame(to int, frame []byte) {
	if to != p.number && p.transport != nil {
		p.transport.SendFrame(to, frame)
	}
}

// fromPeer reports whether a message may come from another member: the others
// are raft's own affair between its threads, or made by us in another way.
func fromPeer(t pb.MessageType) bool {
	switch t {
	case pb.MsgApp, pb.MsgAppResp, pb.MsgVote, pb.MsgVoteResp, pb.MsgPreVote, pb.MsgPreVoteResp,
		pb.MsgHeartbeat, pb.MsgHeartbeatResp, pb.MsgTimeoutNow, pb.MsgTransferLeader,
		pb.MsgReadIndex, pb.MsgReadIndexResp:
		return true
	}
	return false
}

// saysNothing reports whether a message is the answer of a member to one of an
// earlier term, which raft gives so that a leader of that term steps down: an
// MsgAppResp without an index. If the same member leads again by then, its raft
// takes it for "I have nothing", goes back to the first entry there ever was,
// and, as the log begins later, waits for a snapshot that need not be there. A
// true answer has an index, since every log begins behind bootstrapIndex.
func saysNothing(m *pb.Message, term uint64) bool {
	return m.GetType() == pb.MsgAppResp && m.GetIndex() == 0 && !m.GetReject() && m.GetTerm() <= term
}
