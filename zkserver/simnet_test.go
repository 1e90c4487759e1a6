package zkserver

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A simNet is a network in memory, for a synctest bubble. What is sent arrives
// after a time that the seed decides, in order, and not while the way from one site
// to the other is cut. Sites are numbers: those of the members, 0 for the clients.
type simNet struct {
	mu      sync.Mutex // protects all below, and all connections
	rng     *rand.Rand
	changed chan struct{} // closed, and replaced, when a way is cut or mended, or a connection ends
	delay   time.Duration // at most
	cut     map[[2]int]bool
	stuck   map[simStream]bool
	doors   map[string]*simListener
	conns   map[*simConn]bool // both ends
}

func newSimNet(rng *rand.Rand, delay time.Duration) *simNet {
	return &simNet{rng: rng, changed: make(chan struct{}), delay: delay, cut: map[[2]int]bool{}, stuck: map[simStream]bool{}, doors: map[string]*simListener{}, conns: map[*simConn]bool{}}
}

// changedLocked wakes all who wait; wakeLocked wakes the reader of one end.
func (n *simNet) changedLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
	for c := range n.conns {
		c.wakeLocked()
	}
}

func (c *simConn) wakeLocked() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// setCut cuts or mends ways from one site to another.
func (n *simNet) setCut(cut bool, ways ...[2]int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, way := range ways {
		n.cut[way] = cut
	}
	n.changedLocked()
}

// A simStream is what one member sends another of one kind: see package tcp.
type simStream struct {
	from, to int
	kind     byte
}

const (
	raftStream     byte = 1
	framesStream   byte = 2
	snapshotStream byte = 3
)

// setStuck holds up a stream, over all connections, or lets it go on. Others go on
// meanwhile.
func (n *simNet) setStuck(stuck bool, s simStream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stuck[s] = stuck
	n.changedLocked()
}

// stick holds up the connections there are of a stream; new ones are sound. It
// returns what lets them go on.
func (n *simNet) stick(s simStream) (release func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var held []*simConn
	for c := range n.conns {
		if c.site == s.from && c.other.site == s.to && c.stream == s.kind {
			c.stuck = true
			held = append(held, c)
		}
	}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, c := range held {
			c.stuck = false
		}
		n.changedLocked()
	}
}

// mend makes all ways whole.
func (n *simNet) mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cut)
	clear(n.stuck)
	n.changedLocked()
}

// end ends the connections of a site, and its listeners if it is dead: what it has
// sent still arrives.
func (n *simNet) end(site int, dead bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		if c.site == site || !dead && c.other.site == site {
			c.closeLocked()
		}
	}
	for addr, l := range n.doors {
		if l.site == site && dead {
			delete(n.doors, addr)
			l.closed = true
		}
	}
	n.changedLocked()
}

// latency is that of the next message: a few take eight times as long. There and
// back, with a delay of a millisecond, is less than lastRequest then.
func (n *simNet) latency() time.Duration {
	d := 50*time.Microsecond + time.Duration(n.rng.Int64N(int64(n.delay)))
	if n.rng.IntN(100) == 0 {
		d *= 8
	}
	return d
}

// dial connects a site to an address.
func (n *simNet) dial(ctx context.Context, from int, addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	due := time.Now().Add(2 * n.latency())
	for {
		l := n.doors[addr]
		reached := l != nil && !n.cut[[2]int{from, l.site}] && !n.cut[[2]int{l.site, from}]
		switch left := time.Until(due); {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case l == nil && left <= 0:
			return nil, &net.OpError{Op: "dial", Net: "sim", Err: syscall.ECONNREFUSED}
		case reached && left <= 0:
			near, far := newSimConn(n, from), newSimConn(n, l.site)
			near.other, far.other = far, near
			n.conns[near], n.conns[far] = true, true
			l.waiting = append(l.waiting, far)
			n.changedLocked()
			return near, nil
		default:
			n.waitLocked(n.changed, ctx.Done(), left)
		}
	}
}

// waitLocked waits for either channel, or so long if that is positive.
func (n *simNet) waitLocked(changed, done <-chan struct{}, limit time.Duration) {
	n.mu.Unlock()
	defer n.mu.Lock()
	var over <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-changed:
	case <-over:
	case <-done:
	}
}

// A simListener is an address of a site.
type simListener struct {
	net     *simNet
	site    int
	addr    string
	waiting []*simConn
	closed  bool
}

func (n *simNet) listen(site int, addr string) *simListener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &simListener{net: n, site: site, addr: addr}
	n.doors[addr] = l
	return l
}

// Accept implements net.Listener.
func (l *simListener) Accept() (net.Conn, error) {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	for {
		if l.closed {
			return nil, net.ErrClosed
		}
		if len(l.waiting) > 0 {
			c := l.waiting[0]
			l.waiting = l.waiting[1:]
			return c, nil
		}
		l.net.waitLocked(l.net.changed, nil, 0)
	}
}

// Close implements net.Listener.
func (l *simListener) Close() error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.net.doors[l.addr] == l {
		delete(l.net.doors, l.addr)
	}
	l.closed = true
	for _, c := range l.waiting {
		c.closeLocked()
	}
	l.net.changedLocked()
	return nil
}

// Addr implements net.Listener.
func (l *simListener) Addr() net.Addr { return simAddr(l.site) }

func simAddr(site int) net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(site+1)), Port: 2181}
}

// A simConn is one end of a connection.
type simConn struct {
	net      *simNet
	site     int
	other    *simConn
	stream   byte // of what is sent here, as its first bytes say; 0: none of those between members
	stuck    bool // what is sent here does not arrive
	arriving []simChunk
	closed   bool
	deadline time.Time     // for reads
	wake     chan struct{} // has room for one; received by the one who reads
}

func newSimConn(n *simNet, site int) *simConn {
	return &simConn{net: n, site: site, wake: make(chan struct{}, 1)}
}

type simChunk struct {
	data []byte // nil: the other end has closed
	sent time.Time
	due  time.Time
}

// Read implements net.Conn.
func (c *simConn) Read(b []byte) (int, error) {
	n := c.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if c.closed {
			return 0, net.ErrClosed
		}
		var limit time.Duration
		if !c.deadline.IsZero() {
			if limit = time.Until(c.deadline); limit <= 0 {
				return 0, os.ErrDeadlineExceeded
			}
		}
		if len(c.arriving) > 0 && !n.heldUp(c.other) {
			chunk := &c.arriving[0]
			left := time.Until(chunk.due)
			switch {
			case left > 0 && (limit == 0 || left < limit):
				limit = left
			case left > 0:
			case chunk.data == nil:
				return 0, io.EOF
			default:
				m := copy(b, chunk.data)
				if chunk.data = chunk.data[m:]; len(chunk.data) == 0 {
					c.arriving = c.arriving[1:]
				}
				return m, nil
			}
		}
		n.waitLocked(c.wake, nil, limit)
	}
}

// heldUp reports whether what is sent at an end does not arrive for now.
func (n *simNet) heldUp(from *simConn) bool {
	return from.stuck || n.cut[[2]int{from.site, from.other.site}] || n.stuck[simStream{from.site, from.other.site, from.stream}]
}

// Write implements net.Conn. It never waits.
func (c *simConn) Write(b []byte) (int, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	if magic := "mwpeer\r\n"; c.stream == 0 && len(b) > len(magic)+2 && string(b[:len(magic)]) == magic && b[len(magic)] > 0 {
		c.stream = b[len(magic)+2]
	}
	if len(b) > 0 && !c.other.closed {
		c.sendLocked(append([]byte{}, b...))
	}
	return len(b), nil
}

// sendLocked sends what was written, or with nil that the end is closed. That goes
// with what was sent at the same moment, as in TCP it goes in the same packet.
func (c *simConn) sendLocked(b []byte) {
	now := time.Now()
	due := now.Add(c.net.latency())
	if q := c.other.arriving; len(q) > 0 {
		last := q[len(q)-1]
		if last.due.After(due) || b == nil && last.sent.Equal(now) {
			due = last.due
		}
	}
	c.other.arriving = append(c.other.arriving, simChunk{b, now, due})
	c.other.wakeLocked()
}

// Close implements net.Conn.
func (c *simConn) Close() error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closeLocked()
	return nil
}

func (c *simConn) closeLocked() {
	if c.closed {
		return
	}
	c.closed = true
	c.wakeLocked()
	delete(c.net.conns, c)
	if !c.other.closed {
		c.sendLocked(nil)
	}
}

// LocalAddr and RemoteAddr implement net.Conn.
func (c *simConn) LocalAddr() net.Addr  { return simAddr(c.site) }
func (c *simConn) RemoteAddr() net.Addr { return simAddr(c.other.site) }

// SetReadDeadline implements net.Conn.
func (c *simConn) SetReadDeadline(t time.Time) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.deadline = t
	c.wakeLocked()
	return nil
}

// SetDeadline implements net.Conn.
func (c *simConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn: a write never waits.
func (c *simConn) SetWriteDeadline(time.Time) error { return nil }
