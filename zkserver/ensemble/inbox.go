package ensemble

import (
	"slices"
	"sync"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// inboxBytes is how much of what other members sent may wait for the raft loop.
// What has no room is dropped, as the network may drop it, too; one always has. Of
// a forwarded frame that is dropped the header stays, for which there is more room,
// so that who sent it can be told.
const (
	inboxBytes  = 64 << 20
	droppedRoom = 1 << 20
)

// An inbox carries what other members sent, of all streams, to the raft loop.
type inbox struct {
	wake chan struct{} // has a token when there is something to take

	mu    sync.Mutex // protects the fields below
	items []received
	bytes int
}

// received is one thing that has arrived: a message of raft's, a frame, the end of
// a snapshot that was sent to a member, or the news that a member has ended or that
// there is a new connection to one.
type received struct {
	from    int
	message *pb.Message
	frame   []byte
	dropped bool   // frame is the header of a forward for which there was no room
	removed string // why we are no member any more, if from says so
	alien   bool   // from is of another ensemble
	gone    bool
	reached bool

	sent   uint64 // raft's number of the member, or 0
	status raft.SnapshotStatus
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) put(r received) {
	n := 64 + len(r.frame)
	for _, e := range r.message.GetEntries() {
		n += entryBytes(e)
	}
	b.mu.Lock()
	room := b.bytes == 0 || b.bytes+n <= inboxBytes || r.news() || r.message.GetType() == pb.MsgSnap
	if !room && len(r.frame) >= forwardHeader && r.frame[0] == frameForward {
		r.frame, r.dropped = slices.Clone(r.frame[:forwardHeader]), true
		n = 64 + forwardHeader
		room = b.bytes+n <= inboxBytes+droppedRoom
	}
	if room {
		b.items = append(b.items, r)
		b.bytes += n
	}
	b.mu.Unlock()
	if room {
		signal(b.wake)
	}
}

// news reports whether it is what the transport says but once.
func (r received) news() bool {
	return r.sent != 0 || r.reached || r.gone || r.alien || r.removed != ""
}

// take empties the inbox. The memory of spent is used again.
func (b *inbox) take(spent []received) []received {
	clear(spent)
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.items
	b.items, b.bytes = spent[:0], 0
	return taken
}
