package zkserver

import (
	"context"
	"time"
)

const (
	// writeChunk is the most a client must take within its session timeout
	// to be kept.
	writeChunk = 64 << 10

	// keepOut is the largest output buffer a connection keeps.
	keepOut = 64 << 10
)

// writeLoop serves the requests that were queued, each when it is the oldest,
// and sends what is ready, all of it in one write. It returns why the
// connection is to be closed.
func (c *conn) writeLoop(ctx context.Context) error {
	var spare []byte
	var deadline time.Time
	for {
		c.mu.Lock()
		for !c.closed && !c.queue.actionable() && !(c.finishing && c.queue.len() == 0) {
			c.work.Wait()
		}
		if c.closed {
			c.mu.Unlock()
			return c.cause
		}
		if !c.queue.actionable() {
			c.mu.Unlock()
			return errFinished
		}
		c.mu.Unlock()

		if err := c.serveQueued(ctx); err != nil {
			return err
		}
		out := c.takeOut(spare)
		if err := c.write(out, &deadline); err != nil {
			return err
		}
		if spare = out[:0]; cap(spare) > keepOut {
			spare = nil
		}
		c.wrote()
	}
}

// serveQueued serves the reads and proposes the writes at the front of the
// queue, until the oldest request waits for something else or enough output
// waits.
func (c *conn) serveQueued(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.closed || c.queue.len() == 0 || len(c.queue.out) >= outFull {
			c.mu.Unlock()
			return nil
		}
		oldest := *c.queue.oldest()
		c.mu.Unlock()

		switch oldest.stage {
		case ready:
			// Only this goroutine pops a ready request, so it is still
			// the oldest.
			c.srv.replica.read(c, oldest.xid, oldest.op, oldest.body, true)
		case held:
			if err := c.proposeHeld(ctx); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// takeOut returns what waits to be sent and leaves spare in its place.
func (c *conn) takeOut(spare []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.queue.out
	c.queue.out = spare
	c.queue.inFlight, c.queue.outEvents = c.queue.outEvents, 0
	return out
}

// wrote lets readLoop go on when it waits for room.
func (c *conn) wrote() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.inFlight = 0
	c.room.Signal()
}

// write sends b. A client that does not take a chunk of it within the session
// timeout is given up.
func (c *conn) write(b []byte, deadline *time.Time) error {
	for len(b) > 0 {
		// To set a deadline costs as much as a small read, so it is moved
		// only when half of it has passed.
		if now := time.Now(); deadline.Sub(now) < c.timeout {
			*deadline = now.Add(2 * c.timeout)
			if err := c.nc.SetWriteDeadline(*deadline); err != nil {
				return err
			}
		}
		n := min(len(b), writeChunk)
		if _, err := c.nc.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
