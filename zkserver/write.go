package zkserver

import (
	"context"
	"fmt"
)

// submit sends a write on its way through the log: at once when every request
// before it is a proposed write, else in its turn. It blocks while the log has
// too much to do. The frame is copied.
func (c *conn) submit(ctx context.Context, xid int32, o *op, frame []byte) error {
	c.nextSeq++
	r := request{
		xid:   xid,
		stage: held,
		op:    o,
		seq:   uint64(c.number)<<32 | uint64(c.nextSeq),
		size:  len(frame),
		since: c.srv.clock(),
	}
	cmd := command{kind: doRequest, session: c.session, attach: c.attach, authSet: c.authSet, request: frame}
	data := cmd.append(make([]byte, 0, 32+len(cmd.authSet)+len(frame)))

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
	return c.propose(ctx, r.seq, data)
}

// proposeNext proposes the next request of the queue, which is held.
func (c *conn) proposeNext(ctx context.Context) error {
	c.mu.Lock()
	r := &c.queue.requests[c.queue.next]
	seq, data := r.seq, r.body
	r.stage, r.body = proposed, nil
	c.queue.next++
	c.queue.proposing = true
	c.mu.Unlock()

	err := c.propose(ctx, seq, data)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.proposing = false
	return err
}

func (c *conn) propose(ctx context.Context, seq uint64, data []byte) error {
	c.waiting.Store(true)
	err := c.srv.writes.Propose(ctx, seq, data)
	c.waiting.Store(false)
	if err != nil {
		return fmt.Errorf("zkserver: propose: %w", err)
	}
	return nil
}
