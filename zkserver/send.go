package zkserver

import (
	"context"
	"time"
)

const (
	// writeChunk is the most a client must take within its session timeout
	// to be kept, and for its session to be.
	writeChunk = 64 << 10

	// keepOut is the largest output buffer a connection keeps, and keepIdle the
	// largest it keeps for longer than trimPeriod without using that much.
	keepOut    = 64 << 10
	keepIdle   = 2 << 10
	trimPeriod = 10 * time.Second

	// directOut is the most that readLoop sends itself. That much nearly
	// always fits the socket's buffer.
	directOut = 16 << 10
)

// writeLoop serves the requests that were queued, each in its turn, and sends
// what is ready, all of it in one write. It returns why the connection is to be
// closed.
func (c *conn) writeLoop(ctx context.Context) error {
	for {
		if err := c.waitWork(); err != nil {
			return err
		}
		if err := c.serveQueued(ctx); err != nil {
			return err
		}
		if err := c.flush(); err != nil {
			return err
		}
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
		case c.hasWork():
			return nil
		case c.finishing && c.queue.len() == 0:
			return errFinished
		}
		c.work.Wait()
	}
}

// hasWork reports whether there is something for writeLoop to do. c.mu is held.
func (c *conn) hasWork() bool {
	return len(c.queue.out) > 0 && !c.writing || c.queue.step(c.srv.outLimit()) != nothing
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
		step := c.queue.step(c.srv.outLimit())
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
			if err := c.srv.replica.read(c, oldest.xid, oldest.op, oldest.body, true); err != nil {
				return err
			}
		case proposeNext:
			if err := c.proposeNext(ctx); err != nil {
				return err
			}
		}
	}
}

// flushDirect is for readLoop, at the end of a burst: to send a short reply
// itself costs less than to wake writeLoop. All other work is left to writeLoop.
func (c *conn) flushDirect() error {
	c.mu.Lock()
	short := len(c.queue.out) <= directOut
	c.mu.Unlock()
	if short {
		if err := c.flush(); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasWork() {
		c.work.Signal()
	}
	return nil
}

// flush sends what is ready, unless the other loop is at it.
func (c *conn) flush() error {
	c.mu.Lock()
	if c.writing || len(c.queue.out) == 0 {
		c.mu.Unlock()
		return nil
	}
	out := c.queue.out
	c.writing = true
	c.queue.out, c.spare = c.spare, nil
	c.queue.inFlight, c.queue.outEvents = c.queue.outEvents, 0
	c.queue.flying = len(out)
	c.peak = max(c.peak, len(out))
	now := time.Now()
	c.took.Store(int64(now.Sub(c.srv.start))) // it could not before
	c.mu.Unlock()

	err := c.write(out, now)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
	c.queue.inFlight, c.queue.flying = 0, 0
	c.countOutput()
	if cap(out) <= keepOut {
		c.spare = out[:0]
	}
	c.room.Signal()
	return err
}

// write sends b. A client that does not take a chunk of it within the session
// timeout is given up.
func (c *conn) write(b []byte, now time.Time) error {
	for {
		// To set a deadline costs as much as a small read, so it is moved
		// only when half of it has passed.
		if c.deadline.Sub(now) < c.timeout {
			c.deadline = now.Add(2 * c.timeout)
			if err := c.nc.SetWriteDeadline(c.deadline); err != nil {
				return err
			}
		}
		n := min(len(b), writeChunk)
		if _, err := c.nc.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if c.deaf.Load() {
			c.heard.Store(int64(c.srv.clock()))
		}
		if len(b) == 0 {
			return nil
		}
		now = time.Now()
		c.took.Store(int64(now.Sub(c.srv.start)))
	}
}
