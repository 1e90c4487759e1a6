package coordinator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

const (
	// A connect response has protocol (4), timeout (4), session (8), password
	// (4+16), and mostly a read-only byte.
	minHandshake = 20
	maxHandshake = 1 << 10

	opPing       = 11
	opSetWatches = 101
)

// errNotZooKeeper: what answered at the address speaks another protocol.
var errNotZooKeeper = errors.New("answer is not ZooKeeper's protocol")

// handshake is what the guard learns about a session that the library keeps
// to itself.
type handshake struct {
	session int64         // 0: the server no longer knows the session
	timeout time.Duration // as granted
	sent    time.Time     // when the request left; the lease counts from it
}

// guard is the connection the library is given. It makes up for the library:
//
//   - No read waits longer than two thirds of the session timeout, and for a
//     handshake no longer than the dialer has patience. The library waits ten
//     times as long for that, and without end for its body.
//   - A write never fails. It closes the connection, and the reader notices.
//     (A failed write during the renewal of credentials would block the library
//     for ever, and a failed request's reply could be decoded later, into memory
//     its caller has taken back.)
//   - The handshake is checked before the library believes its length.
//   - After a reconnect the renewal of the watches goes out before any other
//     request, as in the Java client. The library builds it from the newest zxid
//     it has seen, without a lock, while answers to other requests may already be
//     moving that: watches would be lost.
//
// Reads are made by one goroutine at a time, and so are writes.
type guard struct {
	net.Conn
	maxWait atomic.Int64           // longest wait for a read or a write, in nanoseconds
	greeted func(handshake, error) // told how the handshake ended
	broken  atomic.Bool            // a read has failed

	// Owned by the reader.
	greeting []byte // the handshake's bytes so far
	done     bool   // the handshake is over, well or not

	// Owned by the writer.
	sent    time.Time // of the connect request; zero before it
	holding bool      // the watches are not renewed yet: hold requests back
	held    [][]byte  // requests held back, whole frames
}

// newGuard wraps conn. The server has patience to answer the handshake. renews says
// that the library has watches to renew, so that requests must wait for that.
func newGuard(conn net.Conn, patience time.Duration, renews bool, greeted func(handshake, error)) *guard {
	g := &guard{Conn: conn, greeted: greeted, holding: renews}
	g.maxWait.Store(int64(patience))
	return g
}

// longestWait is how long a session waits for a server to send anything.
func longestWait(timeout time.Duration) time.Duration { return timeout * 2 / 3 }

// SetReadDeadline caps the deadline; none is capped, too.
func (g *guard) SetReadDeadline(t time.Time) error {
	return g.Conn.SetReadDeadline(g.cap(t))
}

// SetWriteDeadline caps the deadline; none is capped, too.
func (g *guard) SetWriteDeadline(t time.Time) error {
	return g.Conn.SetWriteDeadline(g.cap(t))
}

func (g *guard) cap(t time.Time) time.Time {
	latest := time.Now().Add(time.Duration(g.maxWait.Load()))
	if t.IsZero() || t.After(latest) {
		return latest
	}
	return t
}

// Read reads, and listens in on the handshake.
func (g *guard) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if err != nil {
		g.broken.Store(true)
	}
	if g.done {
		return n, err
	}
	h, complete, bad := g.greet(b[:n])
	if bad == nil && !complete {
		bad = err
	}
	switch {
	case bad != nil:
		g.done = true
		_ = g.Conn.Close()
		g.greeted(handshake{}, bad)
		return 0, bad // the library believes a length as soon as it has four bytes
	case complete:
		g.done, g.greeting = true, nil
		g.greeted(h, nil)
	}
	return n, err
}

// greet takes the next bytes of the handshake, and says when it is complete.
func (g *guard) greet(b []byte) (h handshake, complete bool, err error) {
	g.greeting = append(g.greeting, b...)
	if len(g.greeting) < 4 {
		return h, false, nil
	}
	size := binary.BigEndian.Uint32(g.greeting)
	if size < minHandshake || size > maxHandshake {
		return h, false, fmt.Errorf("%w: it begins with %q", errNotZooKeeper, g.greeting[:4])
	}
	if len(g.greeting) < 4+int(size) {
		return h, false, nil
	}
	body := g.greeting[4:]
	h = handshake{
		timeout: time.Duration(int32(binary.BigEndian.Uint32(body[4:]))) * time.Millisecond,
		session: int64(binary.BigEndian.Uint64(body[8:])),
		sent:    g.sent,
	}
	if h.session == 0 {
		return h, true, nil
	}
	if h.timeout <= 0 {
		return h, false, fmt.Errorf("%w: it grants a timeout of %v", errNotZooKeeper, h.timeout)
	}
	g.maxWait.Store(int64(longestWait(h.timeout)))
	return h, true, nil
}

// Write writes one frame, which is what the library gives it each time. It
// reports success in any case.
func (g *guard) Write(b []byte) (int, error) {
	if g.sent.IsZero() {
		g.sent = time.Now() // the connect request, written before its answer is read
		return g.send(b)
	}
	if !g.holding {
		return g.send(b)
	}
	switch frameOp(b) {
	case opPing:
		return g.send(b)
	case opSetWatches:
		_, _ = g.send(b)
		for _, frame := range g.held {
			_, _ = g.send(frame)
		}
		g.holding, g.held = false, nil
	default:
		g.held = append(g.held, append([]byte(nil), b...)) // the library uses b again
	}
	return len(b), nil
}

func (g *guard) send(b []byte) (int, error) {
	if _, err := g.Conn.Write(b); err != nil {
		_ = g.Conn.Close()
	}
	return len(b), nil
}

// frameOp returns the opcode of a request: length (4), xid (4), opcode (4).
func frameOp(b []byte) int32 {
	if len(b) < 12 {
		return 0
	}
	return int32(binary.BigEndian.Uint32(b[8:]))
}
