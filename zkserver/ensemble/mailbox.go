package ensemble

import (
	"sync"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A mailbox carries raft's local messages from one goroutine to another, in
// order and without loss, as raft demands. Putting never blocks; the number
// of messages under way is bounded by raft, which waits for the answers.
type mailbox struct {
	wake chan struct{} // has a token when there is something to take

	mu       sync.Mutex // protects messages
	messages []*pb.Message
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (m *mailbox) put(messages ...*pb.Message) {
	if len(messages) == 0 {
		return
	}
	m.mu.Lock()
	m.messages = append(m.messages, messages...)
	m.mu.Unlock()
	signal(m.wake)
}

// take empties the mailbox. The memory of spent is used again.
func (m *mailbox) take(spent []*pb.Message) []*pb.Message {
	clear(spent)
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.messages
	m.messages = spent[:0]
	return taken
}
