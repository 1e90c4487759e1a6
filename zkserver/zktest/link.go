package zktest

import (
	"context"
	"net"
	"sync"
	"time"
)

// A link is one connection through a Proxy.
type link struct {
	p *Proxy

	// ctx ends when the link is cut.
	ctx    context.Context
	cancel context.CancelFunc

	lost bool // a reply was dropped; protected by p.mu

	mu    sync.Mutex // protects conns; taken after p.mu
	conns []net.Conn // what cut closes: to the client, then also to the server
}

func newLink(p *Proxy, client net.Conn) *link {
	l := &link{p: p, conns: []net.Conn{client}}
	l.ctx, l.cancel = context.WithCancel(p.ctx)
	return l
}

// run connects to the server and passes bytes until the link is cut or one end
// closes.
func (l *link) run() {
	defer func() {
		l.cut()
		l.p.mu.Lock()
		delete(l.p.links, l)
		l.p.mu.Unlock()
	}()
	if !l.waitWhile(Silence) {
		return
	}
	server, err := l.p.dial(l.ctx)
	if err != nil {
		return
	}
	l.mu.Lock()
	client := l.conns[0]
	l.conns = append(l.conns, server)
	l.mu.Unlock()
	if l.ctx.Err() != nil {
		return // cut may have missed the new connection
	}
	var wg sync.WaitGroup
	wg.Go(func() { l.pump(Requests, client, server) })
	wg.Go(func() { l.pump(Replies, server, client) })
	wg.Wait()
}

// cut ends the link. It may be called at any time and more than once.
func (l *link) cut() {
	l.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
}

// pump passes the bytes of one direction on until either end closes, and cuts
// the link then.
func (l *link) pump(d Direction, from, to net.Conn) {
	defer l.cut()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.deliver(d, buf[:n], to) {
			return
		}
		if err != nil {
			return
		}
	}
}

// deliver does with b what the proxy's settings say. It returns false when the
// link is to end.
func (l *link) deliver(d Direction, b []byte, to net.Conn) bool {
	if !l.wait(l.p.randomDelay()) || !l.waitWhile(Silence) {
		return false
	}
	n, last := l.p.admit(l, d, len(b))
	if n > 0 {
		if _, err := to.Write(b[:n]); err != nil {
			return false
		}
	}
	return !last
}

// wait returns after t, or false as soon as the link is cut.
func (l *link) wait(t time.Duration) bool {
	if t <= 0 {
		return l.ctx.Err() == nil
	}
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// waitWhile returns when the proxy is in another mode than m, or false as soon as
// the link is cut.
func (l *link) waitWhile(m Mode) bool {
	for {
		l.p.mu.Lock()
		mode, changed := l.p.mode, l.p.changed
		l.p.mu.Unlock()
		if mode != m {
			return l.ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
			return false
		}
	}
}

// randomDelay draws how long the next chunk waits.
func (p *Proxy) randomDelay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	low, high := p.delay[0], p.delay[1]
	if high <= low {
		return low
	}
	return low + time.Duration(p.rng.Int64N(int64(high-low)+1))
}

// admit returns how many of n bytes of l may go in direction d, and whether l
// must end after them.
func (p *Proxy) admit(l *link, d Direction, n int) (pass int, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := p.cutAfter[d]; left >= 0 {
		if n > left {
			p.cutAfter[d] = -1
			n, last = left, true
		} else {
			p.cutAfter[d] -= n
		}
	}
	switch {
	case d == Requests:
	case p.mode == DropReplies:
		l.lost = true
		n = 0
	case l.lost: // the mode has just changed
		return 0, true
	}
	return n, last
}
