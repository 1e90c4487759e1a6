package zkserver

import "time"

// A stage says what a request that is not answered yet waits for.
type stage uint8

const (
	ready    stage = iota // its turn: a read, served when it is the oldest
	held                  // its turn: a write behind a read, proposed when it is the oldest
	proposed              // its apply: a write on its way through the log
	syncing               // the ReadIndex of a sync; then it is ready
)

// A request is one that a connection's client waits for.
type request struct {
	xid   int32
	stage stage
	op    *op
	body  []byte        // ready: what follows the header. held: the command. Else nil.
	seq   uint64        // held, proposed: number of the command
	size  int           // bytes it counts against maxPendingBytes
	since time.Duration // when it came, on the server's clock
}

// A queue holds the requests of one connection that are not answered, oldest
// first, and the bytes that wait to be sent.
//
// Invariant: out is in the order in which the client must see it. It only
// grows by the reply to the oldest request, or by an event.
type queue struct {
	requests []request // from head on
	head     int
	bytes    int // sum of the requests' sizes

	// unproposed counts the requests that are not in stage proposed. While
	// it is not 0 a new write is held: proposed now, it could be applied
	// before the reads in front of it are served, and they would see it.
	unproposed int

	out       []byte
	outEvents int // bytes of out that are events
	inFlight  int // bytes of events being written just now
}

func (q *queue) len() int { return len(q.requests) - q.head }

// oldest returns the request to be answered next. The queue must not be empty.
func (q *queue) oldest() *request { return &q.requests[q.head] }

func (q *queue) push(r request) {
	if q.head > 64 && q.head > len(q.requests)/2 {
		n := copy(q.requests, q.requests[q.head:])
		clear(q.requests[n:])
		q.requests, q.head = q.requests[:n], 0
	}
	q.requests = append(q.requests, r)
	q.bytes += r.size
	if r.stage != proposed {
		q.unproposed++
	}
}

// pop drops the oldest request. A held one must have been marked proposed.
func (q *queue) pop() {
	r := q.oldest()
	q.bytes -= r.size
	if r.stage != proposed {
		q.unproposed--
	}
	*r = request{}
	if q.head++; q.head == len(q.requests) {
		q.requests, q.head = q.requests[:0], 0
	}
}

// synced marks the oldest sync that waits as ready.
func (q *queue) synced() {
	for i := q.head; i < len(q.requests); i++ {
		if q.requests[i].stage == syncing {
			q.requests[i].stage = ready
			return
		}
	}
}

// full reports whether the client must wait before its next request is read,
// and whether it waits for the server (and not the server for the client).
func (q *queue) full(held int64) (full, ours bool) {
	switch {
	case q.len() >= maxPending, q.bytes >= maxPendingBytes, held >= maxHeldBytes && q.len() > 0:
		return true, len(q.out) < outFull
	case len(q.out) >= outFull:
		return true, false
	}
	return false, false
}

// actionable reports whether there is something to do before the next apply.
func (q *queue) actionable() bool {
	return len(q.out) > 0 || q.len() > 0 && (q.oldest().stage == ready || q.oldest().stage == held)
}
