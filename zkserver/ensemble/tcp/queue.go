package tcp

import (
	"sync"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A queue is what waits for a connection. Putting does not block: what has no
// room is dropped. If that was a frame, the connection ends behind what had room, so
// that the ensemble hears of it.
type queue struct {
	wake chan struct{} // has a token when there is something to take

	mu    sync.Mutex // protects the fields below
	items []outgoing
	bytes int
	short bool // a frame was dropped
}

// outgoing is a message of raft's or a frame.
type outgoing struct {
	message *pb.Message
	frame   []byte
	size    int // about
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) put(o outgoing) {
	q.mu.Lock()
	room := q.bytes == 0 || q.bytes+o.size <= queueBytes
	if room {
		q.items = append(q.items, o)
		q.bytes += o.size
	} else if o.message == nil {
		q.short = true
	}
	q.mu.Unlock()
	if room {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

// take empties the queue. The memory of spent is used again. short says that a frame
// was dropped behind what is taken.
func (q *queue) take(spent []outgoing) (taken []outgoing, short bool) {
	clear(spent)
	q.mu.Lock()
	defer q.mu.Unlock()
	taken, short = q.items, q.short
	q.items, q.bytes, q.short = spent[:0], 0, false
	return taken, short
}
