package storm

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A wire carries bytes in one direction, from one site to another.
type wire struct {
	mu      sync.Mutex // protects the fields below
	cut     bool
	delay   time.Duration
	changed chan struct{} // closed, and replaced, when something changes
}

func newWire() *wire { return &wire{changed: make(chan struct{})} }

// set cuts the wire, or mends it, and makes bytes late. What was under way when it
// was cut arrives when it is mended, as with TCP.
func (w *wire) set(cut bool, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.delay = cut, delay
	close(w.changed)
	w.changed = make(chan struct{})
}

// pass returns when bytes may go through, or false when ctx has ended.
func (w *wire) pass(ctx context.Context) bool {
	w.mu.Lock()
	delay := w.delay
	w.mu.Unlock()
	if delay > 0 {
		late := time.NewTimer(delay)
		defer late.Stop()
		select {
		case <-late.C:
		case <-ctx.Done():
			return false
		}
	}
	for {
		w.mu.Lock()
		cut, changed := w.cut, w.changed
		w.mu.Unlock()
		if !cut {
			return ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// A link is a proxy for the connections that one site makes to another.
type link struct {
	ln          net.Listener
	target      string
	there, back *wire
	ctx         context.Context
	stop        context.CancelFunc
	all         sync.WaitGroup // its goroutines

	mu    sync.Mutex // protects conns
	conns map[*net.TCPConn]bool
}

// newLink listens on a free port for connections to target. It closes with the
// test.
func newLink(t testing.TB, target string, there, back *wire) *link {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{ln: ln, target: target, there: there, back: back, conns: map[*net.TCPConn]bool{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.all.Go(l.accept)
	t.Cleanup(func() {
		l.stop()
		ln.Close()
		l.reset()
		l.all.Wait()
	})
	return l
}

func (l *link) addr() string { return l.ln.Addr().String() }

// reset ends all connections at once.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.SetLinger(0)
		c.Close()
	}
}

func (l *link) accept() {
	for {
		c, err := l.ln.Accept()
		if err != nil {
			return
		}
		l.all.Go(func() { l.carry(c.(*net.TCPConn)) })
	}
}

// carry joins a connection with one to the target, until either ends.
func (l *link) carry(from *net.TCPConn) {
	if !l.hold(from) {
		return
	}
	defer l.drop(from)
	// To connect takes a packet each way.
	if !l.there.pass(l.ctx) || !l.back.pass(l.ctx) {
		return
	}
	d := net.Dialer{Timeout: 10 * time.Second}
	c, err := d.DialContext(l.ctx, "tcp", l.target)
	if err != nil {
		from.SetLinger(0)
		return
	}
	to := c.(*net.TCPConn)
	if !l.hold(to) {
		return
	}
	defer l.drop(to)
	var way sync.WaitGroup
	way.Go(func() { l.pump(l.there, from, to) })
	l.pump(l.back, to, from)
	way.Wait()
}

// pump passes on what comes. When there is no more both connections end, the one
// to the other side after what is under way.
func (l *link) pump(w *wire, from, to *net.TCPConn) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 && w.pass(l.ctx) {
			_, failed := to.Write(b[:n])
			err = errors.Join(err, failed)
		}
		if err != nil || l.ctx.Err() != nil {
			if w.pass(l.ctx) && err == io.EOF {
				to.CloseWrite()
				return
			}
			to.Close()
			from.Close()
			return
		}
	}
}

func (l *link) hold(c *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		c.Close()
		return false
	}
	l.conns[c] = true
	return true
}

func (l *link) drop(c *net.TCPConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	c.Close()
}
