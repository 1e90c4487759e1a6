package zkserver

import (
	"cmp"
	"slices"

	"github.com/mwqueue/mw/zkserver/wire"
)

// serve answers a read: at once when nothing is before it, else when its turn
// comes. body may alias the receive buffer.
func (c *conn) serve(xid int32, o *op, body []byte) error {
	c.mu.Lock()
	idle := c.queue.len() == 0
	c.mu.Unlock()
	if idle {
		// Only readLoop, which calls serve, adds to the queue: it is still
		// empty.
		return c.srv.replica.read(c, xid, o, body, false)
	}
	return c.enqueue(request{xid: xid, stage: ready, op: o, body: slices.Clone(body), size: len(body), since: c.srv.clock()})
}

// A view is what a read sees: the state between two writes. It is good until
// the read returns.
type view struct {
	*replica
	conn *conn        // its mu is locked
	body wire.Decoder // of the request

	// below is the answer to a getAllChildrenNumber.
	below int

	// fault ends the connection in place of a reply.
	fault error
}

// read serves one request from the tree and appends the reply to the
// connection's output. queued says that the request is the oldest of the queue,
// and is to be taken off it. An error ends the connection.
//
// Everything happens under one hold of both locks: so the watch a read sets
// sees every change that the reply does not show, and the change's event, which
// apply appends, comes after the reply.
func (r *replica) read(c *conn, xid int32, o *op, body []byte, queued bool) error {
	below := 0
	if o.counts {
		below = r.countBelow(c, body)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.cause
	}
	v := &c.view
	*v = view{replica: r, conn: c, body: wire.NewDecoder(body), below: below}
	b := c.queue.out
	code := wire.OK
	if o.bare {
		b, code = o.read(v, &v.body, b)
	}
	h := wire.ReplyHeader{Xid: cmp.Or(o.xid, xid), Zxid: r.headerZxid(o.zxid), Err: code}
	b, start := wire.BeginFrame(b)
	b = h.Append(b)
	if end := len(b); !o.bare {
		if b, code = o.read(v, &v.body, b); code != wire.OK {
			setCode(b[:end], code)
			if !o.full {
				b = b[:end]
			}
		}
	}
	if v.fault != nil {
		return v.fault
	}
	c.queue.out = wire.EndFrame(b, start)
	c.countOutput()
	c.sent++
	c.countRead(o, &h, len(c.queue.out)-start, queued)
	c.view.body = wire.Decoder{} // it keeps the frame
	if queued {
		r.answered(c)
	}
	return nil
}

func (r *replica) headerZxid(rule headerZxid) int64 {
	switch rule {
	case zeroZxid:
		return 0
	case noZxid:
		return -1
	}
	return r.zxid
}

// answered takes the oldest request of c, whose reply is in the output, off the
// queue. c.mu is locked.
func (r *replica) answered(c *conn) {
	size := c.queue.oldest().size
	c.queue.pop()
	r.held.Add(-int64(size))
	c.room.Signal()
}
