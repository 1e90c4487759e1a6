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

// writeLoop serves the requests that were queued, each in its turn, and sends
// what is ready, all of it in one write. It returns why the connection is to be
// closed.
func (c *conn) writeLoop(ctx context.Context) error {
	var spare []byte
	var deadline time.Time
	for {
		if err := c.waitWork(); err != nil {
			return err
		}
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

// waitWork returns nil once there is something to do, and else why there will
// be nothing any more.
func (c *conn) waitWork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return c.cause
		case len(c.queue.out) > 0 || c.queue.step() != nothing:
			return nil
		case c.finishing && c.queue.len() == 0:
			return errFinished
		}
		c.work.Wait()
	}
}

// serveQueued serves queued reads and proposes held writes, as far as it can
// without waiting.
func (c *conn) serveQueued(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return c.cause
		}
		step := c.queue.step()
		var oldest request
		if step == serveOldest {
			oldest = *c.queue.oldest()
		}
		c.mu.Unlock()

		switch step {
		case nothing:
			return nil
		case serveOldest:
			// Only this goroutine pops a ready request, so it is still
			// the oldest.
			c.srv.replica.read(c, oldest.xid, oldest.op, oldest.body, true)
		case proposeNext:
			if err := c.proposeNext(ctx); err != nil {
				return err
			}
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
