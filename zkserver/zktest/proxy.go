package zktest

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// A Mode is what a [Proxy] does with bytes and connections.
type Mode int

const (
	// Pass passes everything on.
	Pass Mode = iota

	// Refuse refuses new connections. Those there are pass everything on;
	// see [Proxy.Cut].
	Refuse

	// Silence holds back every byte, of new connections too, which are
	// accepted all the same: as if the network were cut, or the other side
	// stopped. Nothing is lost: what is held back goes out when the mode
	// changes.
	Silence

	// DropReplies passes requests on and throws replies away. A connection
	// that lost a reply ends when the mode changes, for what would follow
	// the gap makes no sense.
	DropReplies
)

// A Direction is one of the two streams of a connection.
type Direction int

const (
	Requests Direction = iota // from the client to the server
	Replies                   // from the server to the client
)

// A Proxy stands between clients and a server and does what networks do. It
// starts in mode [Pass]. All methods may be called at any time.
type Proxy struct {
	t    testing.TB
	ln   endpoint
	dial func(context.Context) (net.Conn, error)
	wg   sync.WaitGroup // every goroutine of the Proxy

	// ctx ends with Close.
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex // protects the fields below
	mode     Mode
	changed  chan struct{} // closed, and replaced, when mode changes
	delay    [2]time.Duration
	rng      *rand.Rand
	cutAfter [2]int // bytes of each Direction until a cut; -1: no cut
	links    map[*link]struct{}
}

// An endpoint is where a Proxy or a Server listens: a *Listener or a *port.
type endpoint interface {
	net.Listener
	Reopen() error
}

// NewProxy returns a Proxy on a free port of the loopback in front of the server
// at target. It closes with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	ln, err := openPort()
	if err != nil {
		t.Fatalf("zktest: start proxy: %v", err)
	}
	p := newProxy(t, ln, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", target)
	})
	t.Cleanup(ln.release)
	t.Cleanup(p.Close)
	return p
}

// NewMemoryProxy returns a Proxy between two Listeners: clients dial front, and
// the server listens on back. It runs in a synctest bubble, and closes with the
// test.
func NewMemoryProxy(t testing.TB, front, back *Listener) *Proxy {
	p := newProxy(t, front, func(ctx context.Context) (net.Conn, error) {
		return back.Dial(ctx, "pipe", "")
	})
	t.Cleanup(p.Close)
	return p
}

func newProxy(t testing.TB, ln endpoint, dial func(context.Context) (net.Conn, error)) *Proxy {
	p := &Proxy{
		t:        t,
		ln:       ln,
		dial:     dial,
		changed:  make(chan struct{}),
		rng:      rand.New(rand.NewPCG(1, 1)),
		cutAfter: [2]int{-1, -1},
		links:    map[*link]struct{}{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.wg.Go(p.accept)
	return p
}

// Addr returns the address clients connect to, as "host:port".
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Seed sets where the random numbers of [Proxy.SetDelay] begin. It is 1 at first.
func (p *Proxy) Seed(seed uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rng = rand.New(rand.NewPCG(seed, seed))
}

// SetMode changes what happens from now on, also to bytes on their way.
func (p *Proxy) SetMode(m Mode) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil || m == p.mode {
		return
	}
	was := p.mode
	p.mode = m
	close(p.changed) // wakes links, which look at the mode and at lost
	p.changed = make(chan struct{})
	switch {
	case m == Refuse:
		p.ln.Close()
	case was == Refuse:
		if err := p.ln.Reopen(); err != nil {
			p.t.Errorf("zktest: proxy: %v", err)
			return
		}
		p.wg.Go(p.accept)
	}
	for l := range p.links {
		if l.lost && m != DropReplies {
			l.cut()
		}
	}
}

// SetDelay makes every chunk of bytes wait for a random time from min to max
// before it is passed on, in its order. Zero passes at once.
func (p *Proxy) SetDelay(min, max time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = [2]time.Duration{min, max}
}

// Cut ends every connection now. New ones are treated by the mode.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

// CutAfter lets n more bytes go in one direction, counted over all connections,
// and then ends the connection that has the next. It does so once.
func (p *Proxy) CutAfter(d Direction, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAfter[d] = n
}

// Conns returns how many connections there are.
func (p *Proxy) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close ends the Proxy with its connections, and returns when its goroutines
// have ended.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.cancel() // SetMode opens nothing after this
	p.ln.Close()
	p.mu.Unlock()
	p.Cut()
	p.wg.Wait()
}

// accept runs from the opening of the listener to its close.
func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		l := newLink(p, c)
		p.mu.Lock()
		p.links[l] = struct{}{}
		p.mu.Unlock()
		if p.ctx.Err() != nil {
			l.cut() // Close may have missed it
		}
		p.wg.Go(l.run)
	}
}
