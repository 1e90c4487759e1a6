package zktest

import (
	"net"
	"sync"
)

// A tracker is a listener that can cut the connections it accepted. It closes the
// listener below it once: a server that closes it late, when the next one
// listens there already, does no harm.
type tracker struct {
	net.Listener

	closing sync.Once
	err     error // of the close

	mu    sync.Mutex // protects the fields below
	conns map[*trackedConn]struct{}
	isCut bool
}

func newTracker(ln net.Listener) *tracker {
	return &tracker{Listener: ln, conns: map[*trackedConn]struct{}{}}
}

func (t *tracker) Accept() (net.Conn, error) {
	nc, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &trackedConn{Conn: nc, t: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.isCut {
		nc.Close()
		return nil, net.ErrClosed
	}
	t.conns[c] = struct{}{}
	return c, nil
}

func (t *tracker) Close() error {
	t.closing.Do(func() { t.err = t.Listener.Close() })
	return t.err
}

// cut closes the listener and every connection.
func (t *tracker) cut() {
	t.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.isCut = true
	for c := range t.conns {
		c.Conn.Close()
	}
	clear(t.conns)
}

// A trackedConn is forgotten by its tracker when it is closed.
type trackedConn struct {
	net.Conn
	t *tracker
}

func (c *trackedConn) Close() error {
	c.t.mu.Lock()
	delete(c.t.conns, c)
	c.t.mu.Unlock()
	return c.Conn.Close()
}
