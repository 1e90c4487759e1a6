package difftest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// patience is how long a server may take to answer. A request that is not
// answered costs this much, so there must be few.
const patience = 20 * time.Second

// maxReply bounds what a server may answer: the children of the root, all told.
const maxReply = 64 << 20

// A conn is one connection to a server under test.
type conn struct {
	nc    net.Conn
	ended string // why nothing more comes, or ""
}

// write sends bytes. That the server has gone is found by the next read.
func (c *conn) write(b []byte) {
	c.nc.SetWriteDeadline(time.Now().Add(patience))
	c.nc.Write(b)
}

// read returns the next frame, or false when there is none: ended says why.
func (c *conn) read() ([]byte, bool) {
	if c.ended != "" {
		return nil, false
	}
	c.nc.SetReadDeadline(time.Now().Add(patience))
	b, err := wire.ReadFrame(c.nc, nil, maxReply)
	switch {
	case err == nil:
		return slices.Clip(b), true
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.ended = "silent"
	default:
		c.ended = "closed"
	}
	return nil, false
}

// word returns the answer to a four-letter word.
func word(addr, w string) (string, error) {
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return "", fmt.Errorf("difftest: ask %s: %w", w, err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(nc, w); err != nil {
		return "", fmt.Errorf("difftest: ask %s: %w", w, err)
	}
	b, err := io.ReadAll(nc)
	if err != nil {
		return "", fmt.Errorf("difftest: ask %s: %w", w, err)
	}
	return string(b), nil
}

func (c *conn) close() { c.nc.Close() }

// handshake sends q, with junk behind it, and returns the answer, or false when
// the connection ended without one.
func (c *conn) handshake(q *wire.ConnectRequest, junk []byte) (*wire.ConnectResponse, []byte, bool) {
	b, start := wire.BeginFrame(nil)
	b = q.Append(b)
	c.write(wire.EndFrame(append(b, junk...), start))
	b, ok := c.read()
	if !ok {
		return nil, nil, false
	}
	var r wire.ConnectResponse
	d := wire.NewDecoder(b)
	r.Decode(&d)
	return &r, d.Rest(), d.Err() == nil
}
