package zkserver

import (
	"context"
	"fmt"
)

// submit sends a write on its way through the log: at once when every request
// before it is a proposed write, else when it is the oldest. It blocks while
// the log has too much to do. The frame is copied.
func (c *conn) submit(ctx context.Context, xid int32, o *op, frame []byte) error {
	c.nextSeq++
	r := request{
		xid:   xid,
		op:    o,
		seq:   uint64(c.number)<<32 | uint64(c.nextSeq),
		size:  len(frame),
		since: c.srv.clock(),
	}
	cmd := command{kind: doRequest, session: c.session, attach: c.attach, authSet: c.authSet, request: frame}
	data := cmd.append(make([]byte, 0, 32+len(cmd.authSet)+len(frame)))

	c.mu.Lock()
	r.stage = proposed
	if c.queue.unproposed > 0 {
		r.stage, r.body = held, data
	}
	c.mu.Unlock()

	// The reply may come before Propose returns, so the request is queued
	// first.
	if err := c.enqueue(r); err != nil || r.stage == held {
		return err
	}
	return c.propose(ctx, r.seq, data)
}

// proposeHeld proposes the oldest request, which is held.
func (c *conn) proposeHeld(ctx context.Context) error {
	c.mu.Lock()
	r := c.queue.oldest()
	seq, data := r.seq, r.body
	r.stage, r.body = proposed, nil
	c.mu.Unlock()

	if err := c.propose(ctx, seq, data); err != nil {
		return err
	}
	// Only now: a later write that readLoop proposes itself must not get in
	// before this one.
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.unproposed--
	return nil
}

func (c *conn) propose(ctx context.Context, seq uint64, data []byte) error {
	c.waiting.Store(true)
	err := c.srv.node.Propose(ctx, seq, data)
	c.waiting.Store(false)
	if err != nil {
		return fmt.Errorf("zkserver: propose: %w", err)
	}
	return nil
}
