package zkserver

import "time"

// A stage says what a request that is not answered yet waits for.
type stage uint8

const (
	ready    stage = iota // its turn: a read, served when it is the oldest
	held                  // its turn: a write, proposed when only proposed ones are before it
	proposed              // its apply: a write on its way through the log
	syncing               // a ReadIndex, as a sync does; then it is ready
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
type queue struct {
	requests []request // from head on
	head     int
	bytes    int // sum of the requests' sizes

	// next is the place of the first request that is not proposed.
	//
	// Invariant: those before it are, those from it on are not. A write
	// behind a read is not proposed, because it could be applied, and seen,
	// before the read is served.
	next int

	// proposing is set while the request before next is being proposed. No
	// other may be until it is done.
	proposing bool

	// out is in the order in which the client must see it. It only grows by
	// the reply to the oldest request, or by an event.
	out       []byte
	outEvents int // bytes of out that are events
	inFlight  int // bytes of events being written just now
	flying    int // all bytes being written just now
}

func (q *queue) len() int { return len(q.requests) - q.head }

// oldest returns the request to be answered next. The queue must not be empty.
func (q *queue) oldest() *request { return &q.requests[q.head] }

// open reports whether a write that comes now may be proposed at once.
func (q *queue) open() bool { return q.next == len(q.requests) && !q.proposing && !q.blocked() }

// blocked reports whether the last proposed request must be answered before
// another one is proposed.
func (q *queue) blocked() bool { return q.next > q.head && q.requests[q.next-1].op.alone }

// push adds a request. Its stage may be proposed only if the queue is open.
func (q *queue) push(r request) {
	if q.head > 64 && q.head > len(q.requests)/2 {
		n := copy(q.requests, q.requests[q.head:])
		clear(q.requests[n:])
		q.requests, q.next, q.head = q.requests[:n], q.next-q.head, 0
	}
	q.requests = append(q.requests, r)
	q.bytes += r.size
	if r.stage == proposed {
		q.next++
	}
}

// pop drops the oldest request.
func (q *queue) pop() {
	q.bytes -= q.oldest().size
	*q.oldest() = request{}
	q.head++
	q.next = max(q.next, q.head)
	if q.head == len(q.requests) {
		q.requests, q.head, q.next = q.requests[:0], 0, 0
	}
}

// unpropose turns the last proposed request into a read, which o answers.
func (q *queue) unpropose(o *op) {
	q.next--
	r := &q.requests[q.next]
	r.stage, r.op = ready, o
}

// synced marks the oldest n requests that wait for a ReadIndex as ready.
func (q *queue) synced(n int) {
	for i := q.next; i < len(q.requests) && n > 0; i++ {
		if q.requests[i].stage == syncing {
			q.requests[i].stage = ready
			n--
		}
	}
}

// A step is what can be done with a queue without waiting for anything.
type step uint8

const (
	nothing step = iota
	serveOldest
	proposeNext
)

// step returns what is to be done next, if limit bytes may wait for the client.
func (q *queue) step(limit int) step {
	switch {
	case len(q.out) >= limit:
		return nothing // until it is sent
	case q.next == len(q.requests):
		return nothing
	case q.requests[q.next].stage == held:
		if q.blocked() {
			return nothing
		}
		return proposeNext
	case q.next == q.head && q.oldest().stage == ready:
		return serveOldest
	}
	return nothing
}

// full reports whether the client must wait before its next request is read,
// and whether it then waits for the server, and not the server for it. held is
// the size of the requests of all connections, and limit how many bytes may wait
// for this client.
func (q *queue) full(held int64, limit int) (full, ours bool) {
	switch {
	case q.len() >= maxPending, q.bytes >= maxPendingBytes, held >= maxHeldBytes && q.len() > 0:
		return true, len(q.out) < limit
	case len(q.out) >= limit:
		return true, len(q.out) == 0 && q.flying == 0
	}
	return false, false
}
