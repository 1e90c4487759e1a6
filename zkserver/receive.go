package zkserver

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/mwqueue/mw/zkserver/wire"
)

// keepFrame is the largest frame buffer a connection keeps while it is idle.
const keepFrame = smallFrame

// readLoop takes in requests until the connection or ctx ends. It returns nil
// when a request asked for the end: then writeLoop closes the connection after
// the last reply.
func (c *conn) readLoop(ctx context.Context) error {
	var buf []byte
	for {
		if c.parting.Load() {
			c.finish()
			return nil
		}
		if err := c.waitRoom(); err != nil {
			return err
		}
		taken, err := c.enterFrame(ctx)
		if err != nil && c.parting.Load() {
			continue
		}
		if err != nil {
			return err
		}
		more, frame, err := c.receive(ctx, buf)
		if taken > 0 {
			c.srv.input.room.Release(taken)
		}
		if err != nil && c.parting.Load() {
			continue
		}
		if err != nil {
			return err
		}
		if !more {
			c.finish()
			return nil
		}
		if !c.frameBuffered() {
			// One write for the replies of one burst.
			if err := c.flushDirect(); err != nil {
				return err
			}
		}
		if buf = frame; cap(buf) > keepFrame {
			buf = nil
		}
	}
}

// receive reads a request, into buf if it fits, and dispatches it. It reports
// whether more may follow, and gives the frame to be used again.
func (c *conn) receive(ctx context.Context, buf []byte) (more bool, frame []byte, err error) {
	frame, err = wire.ReadFrame(c.br, buf, c.srv.cfg.MaxFrame)
	c.receiving.Store(0)
	if err != nil {
		switch {
		case err == io.EOF:
			err = errClientGone
		case errors.Is(err, wire.ErrFrameSize):
			c.srv.stats.largeRejected.Add(1)
		}
		return false, nil, err
	}
	c.heard.Store(int64(c.srv.clock()))
	c.received.Add(1)
	c.bytesIn.Add(int64(len(frame)) + 4)
	more, err = c.dispatch(ctx, frame)
	return more, frame, err
}

// frameBuffered reports whether the next frame can be read without waiting for
// the client.
func (c *conn) frameBuffered() bool {
	have := c.br.Buffered()
	if have < 4 {
		return false
	}
	size, _ := c.br.Peek(4)
	return int64(have)-4 >= int64(binary.BigEndian.Uint32(size))
}

// waitRoom returns once the next request may be read: that is how a client that
// sends faster than it is served, or does not read, is slowed down.
func (c *conn) waitRoom() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed {
		full, ours := c.queue.full(c.srv.held.Load(), c.srv.outLimit())
		if !full {
			return nil
		}
		c.work.Signal()
		if ours {
			c.waiting.Add(1)
			c.room.Wait()
			c.waiting.Add(-1)
			continue
		}
		c.deaf.Store(true)
		c.room.Wait()
		c.deaf.Store(false)
	}
	return c.cause
}

// enqueue adds a request behind those not answered yet.
func (c *conn) enqueue(r request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enqueueLocked(r)
}

func (c *conn) enqueueLocked(r request) error {
	if c.closed {
		return c.cause
	}
	c.queue.push(r)
	c.srv.held.Add(int64(r.size))
	return nil
}

// finish lets writeLoop close the connection after the last reply.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finishing = true
	c.work.Signal()
}
