package client

// A ring is a queue of calls of a fixed capacity, which the caller keeps to.
type ring struct {
	calls []*Call
	head  int // of the oldest
	n     int
}

func newRing(capacity int) ring { return ring{calls: make([]*Call, capacity)} }

func (r *ring) push(call *Call) {
	i := r.head + r.n
	if i >= len(r.calls) {
		i -= len(r.calls)
	}
	r.calls[i] = call
	r.n++
}

// pop returns the oldest call, or nil when there is none.
func (r *ring) pop() *Call {
	if r.n == 0 {
		return nil
	}
	call := r.calls[r.head]
	r.calls[r.head] = nil
	r.n--
	if r.head++; r.head == len(r.calls) {
		r.head = 0
	}
	return call
}
