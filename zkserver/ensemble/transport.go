package ensemble

import (
	"context"
	"io"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A Transport carries what members say to each other. It has three streams to
// each member, so that none holds up another: raft's messages, frames (commands
// and what keeps the ensemble together), and snapshots. Members are known by
// their numbers. All but SendSnapshot must not block: what finds no room, or no
// connection, is dropped, and the ensemble sends it again or does without.
type Transport interface {
	// Run carries until ctx ends, and gives what arrives to r.
	Run(ctx context.Context, r Receiver) error

	// SendRaft sends a message of raft's, which is not to be changed. Messages
	// to one member may be dropped, and should arrive in order.
	SendRaft(to int, m *pb.Message)

	// SendFrame sends a frame, which is not to be changed. Frames to one
	// member may be dropped, and should arrive in order.
	SendFrame(to int, frame []byte)

	// SetMembers says whom to reach from now on, and where. It does not block.
	// Before the first call those who were configured are meant.
	SetMembers(others []Member)

	// SendSnapshot sends a snapshot and returns when the other member has taken
	// all of it, or an error when it has not. open is given what the other one has
	// of a snapshot that broke off, gives what there is to send, and is called
	// once at most.
	SendSnapshot(ctx context.Context, to int, open func(have Part) (io.ReadCloser, error)) error
}

// A Part is what a member has of a snapshot that broke off on its way. The zero
// Part is nothing.
type Part struct {
	Index, Term uint64 // of the last entry in the snapshot
	Bytes       uint64 // of the state, from its begin
	Sum         uint32 // CRC-32C of them
}

// A Receiver takes what a Transport brings. from is what who sent it said of itself
// when its connection was made; what does not befit that is dropped.
type Receiver interface {
	// ReceiveRaft and ReceiveFrame do not block, and keep what they are given.
	ReceiveRaft(from Credentials, m *pb.Message)
	ReceiveFrame(from Credentials, frame []byte)

	// ReceiveGone says that a member's process has ended, as far as one can know:
	// its machine refuses connections. It does not block.
	ReceiveGone(from int)

	// ReceiveReached says that there is a new connection for the frames to a
	// member, so that some of those before may be lost. It does not block.
	ReceiveReached(from int)

	// ReceiveRemoved says that another member refuses to listen to this one,
	// with ErrRemoved of its Admit. It does not block.
	ReceiveRemoved(from int, why string)

	// Credentials are those of this member.
	Credentials() Credentials

	// Judge says why another member must not be listened to: it is of another
	// ensemble, or not who it was. The error is for its operator, too.
	Judge(Credentials) error

	// Admit is Judge for a new connection. Who made it may be answered as long as
	// leave is not called, which must be done once, when the connection has ended.
	Admit(Credentials) (leave func(), err error)

	// Part is what this member has of the last snapshot of another one, if that
	// broke off. It is not called while one of the same member is received.
	Part(from Credentials) Part

	// ReceiveSnapshot reads r to its end. io.EOF says that all of it has come,
	// and nil is returned when it is on the disk.
	ReceiveSnapshot(from Credentials, r io.Reader) error
}

// Credentials are what members tell each other first.
type Credentials struct {
	Number    int
	Cluster   uint64 // 0: it has no ensemble yet
	Directory uint64 // the number of its data directory
	Member    uint64 // raft's number of it
	Joined    uint64 // entry of the log at which it is a member, the last that it knows of; 0: it was only let in, and is none any more
	Address   string // where it says it can be reached
}
