package zkserver

import (
	"context"
	"errors"
	"fmt"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// submit sends a write on its way through the log: at once when every request
// before it is a proposed write, else in its turn. It blocks while the log has
// too much to do. The frame is copied.
func (c *conn) submit(ctx context.Context, xid int32, o *op, frame []byte) error {
	if o.prepare != nil {
		frame = prepared(o, c.srv.rules, frame)
	}
	cmd := command{kind: doRequest, session: c.session, attach: c.attach, rules: c.srv.rules, authSet: c.authSet, request: frame}
	data := cmd.append(make([]byte, 0, 32+len(cmd.authSet)+len(frame)))

	c.nextSeq++
	r := request{
		xid:   xid,
		stage: held,
		op:    o,
		seq:   uint64(c.number)<<32 | uint64(c.nextSeq),
		size:  len(data),
		since: c.srv.clock(),
	}
	c.mu.Lock()
	if c.queue.open() {
		r.stage = proposed
	} else {
		r.body = data
	}
	err := c.enqueueLocked(r)
	c.mu.Unlock()

	if err != nil || r.stage == held {
		return err
	}
	// The request is queued first: its reply may come before this returns.
	return c.propose(ctx, o, r.seq, data)
}

// proposeNext proposes the next request of the queue, which is held.
func (c *conn) proposeNext(ctx context.Context) error {
	c.mu.Lock()
	r := &c.queue.requests[c.queue.next]
	o, seq, data := r.op, r.seq, r.body
	r.stage, r.body = proposed, nil
	c.queue.next++
	c.queue.proposing = true
	c.mu.Unlock()

	err := c.propose(ctx, o, seq, data)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.proposing = false
	return err
}

// propose hands over the last of the proposed requests. When the disk is full
// the request is answered so in its turn, and the connection goes on.
func (c *conn) propose(ctx context.Context, o *op, seq uint64, data []byte) error {
	p := ensemble.Proposal{Origin: c.origin, Seq: seq, Data: data, Reserved: o.kind == isClose}
	c.waiting.Add(1)
	err := c.srv.writes.Offer(ctx, p)
	c.waiting.Add(-1)
	switch {
	case errors.Is(err, ensemble.ErrDiskFull):
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			c.queue.unpropose(diskFull)
		}
		return nil
	case err != nil:
		return fmt.Errorf("zkserver: propose: %w", err)
	}
	return nil
}
