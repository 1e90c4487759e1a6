package tcp

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A conn is a connection on which hands were shaken, in a version. What is to be
// read or written on it must go on within a while: it is not how long something
// takes that counts, since a command may be large and a link slow.
type conn struct {
	net.Conn
	version uint8
	greets  bool // it is of one that belongs to no ensemble, and says so all the time

	// The rest is of a connection that was taken.

	taken time.Time
	heard atomic.Int64  // ns from then to when something was read last
	prod  chan struct{} // has a token when a sign of life is to be given at once
}

// accept makes the acceptor's side.
func (h hello) accept(c net.Conn) *conn {
	version, _ := h.agree()
	return &conn{Conn: c, version: version, greets: h.from.Cluster == 0, taken: time.Now(), prod: make(chan struct{}, 1)}
}

// silent is how long nothing was read.
func (c *conn) silent() time.Duration {
	return time.Since(c.taken) - time.Duration(c.heard.Load())
}

const (
	// lifeEvery is how often each side says something on a connection that
	// stays, if it has nothing to say, and silentFor after how long without a
	// word the connection is given up: the other machine has lost its power, or
	// the way to it is cut, which nothing else would tell for many minutes.
	lifeEvery = 2 * time.Second
	silentFor = 10 * time.Second

	// alive is what the acceptor says.
	alive = 0xff

	// stepBytes is what must be written within writeFor.
	stepBytes = 256 << 10
)

// lively reports whether both sides give signs of life.
func (c *conn) lively() bool { return c.version >= 3 }

// named reports whether the dialer says which process it is.
func (c *conn) named() bool { return c.version >= 4 }

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.lively() || c.greets {
		if err := c.SetReadDeadline(time.Now().Add(silentFor)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(int64(time.Since(c.taken)))
	}
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var m int
		if err = c.SetWriteDeadline(time.Now().Add(writeFor)); err == nil {
			m, err = c.Conn.Write(p[:min(len(p), stepBytes)])
		}
		n, p = n+m, p[m:]
	}
	return n, err
}

// listen reads signs of life, for the dialer, until the connection ends.
func (c *conn) listen() error {
	b := make([]byte, 64)
	for {
		n, err := c.Read(b)
		if err != nil {
			return err
		}
		for _, said := range b[:n] {
			if !c.lively() || said != alive {
				return errGarbled
			}
		}
	}
}

// live gives signs of life, for the acceptor, until done is closed or the
// connection ends.
func (c *conn) live(done <-chan struct{}) {
	every := time.NewTicker(lifeEvery)
	defer every.Stop()
	for {
		select {
		case <-done:
			return
		case <-every.C:
		case <-c.prod:
		}
		if _, err := c.Write([]byte{alive}); err != nil {
			c.Close()
			return
		}
	}
}

// ended reports whether an error is the ordinary end of a connection.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) }
