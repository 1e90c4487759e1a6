package zktest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Listener is a net.Listener in memory, over net.Pipe. A server given one and
// clients that dial through it run in a synctest bubble, where sockets cannot
// be used; the Listener must then be made in the bubble.
//
// A pipe has no buffer: a write lasts until the other end has read it.
type Listener struct {
	addr   *net.TCPAddr
	conns  chan net.Conn // from Dial to Accept; never closed
	dialed atomic.Uint32 // numbers the clients' ports

	mu     sync.Mutex // protects the fields below
	open   bool
	closed chan struct{} // closed by Close, replaced by Reopen
}

// NewListener returns an open Listener. Its address, 192.0.2.1:2181, is only for
// logs: no one can reach it but through Dial.
func NewListener() *Listener {
	return &Listener{
		addr:   &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 2181},
		conns:  make(chan net.Conn),
		open:   true,
		closed: make(chan struct{}),
	}
}

// Addr returns the Listener's made-up address.
func (l *Listener) Addr() net.Addr { return l.addr }

// Accept waits for a Dial. It returns net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	closed := l.closing()
	select {
	case <-closed:
		return nil, l.fault("accept", net.ErrClosed)
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-closed:
		return nil, l.fault("accept", net.ErrClosed)
	}
}

// Close refuses connections from now on. Those that were accepted live on.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		return l.fault("close", net.ErrClosed)
	}
	l.open = false
	close(l.closed)
	return nil
}

// Reopen undoes Close, as if a server were started again on the same address.
func (l *Listener) Reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		l.open = true
		l.closed = make(chan struct{})
	}
	return nil
}

// Dial connects to the Listener, whatever the network and address. It waits
// until the connection is accepted or ctx ends, and returns an error that is
// syscall.ECONNREFUSED while the Listener is closed.
func (l *Listener) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	closed := l.closing()
	select {
	case <-closed:
		return nil, l.fault("dial", syscall.ECONNREFUSED)
	default:
	}
	client, server := net.Pipe()
	from := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: int(1024 + l.dialed.Add(1)%(1<<16-1024))}
	select {
	case l.conns <- pipeConn{server, l.addr, from}:
		return pipeConn{client, from, l.addr}, nil
	case <-closed:
		return nil, l.fault("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, l.fault("dial", context.Cause(ctx))
	}
}

// DialTimeout is Dial in the form that go-zookeeper's Dialer has.
func (l *Listener) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.Dial(ctx, network, address)
}

// closing returns the channel that is closed by the next Close, or was by the
// last.
func (l *Listener) closing() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *Listener) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "pipe", Addr: l.addr, Err: fmt.Errorf("zktest: %w", err)}
}

// A pipeConn is one end of a pipe with addresses as of TCP, so that what looks at
// a peer's address (limits, the ip scheme, logs) finds one.
type pipeConn struct {
	net.Conn
	local, remote net.Addr
}

func (c pipeConn) LocalAddr() net.Addr  { return c.local }
func (c pipeConn) RemoteAddr() net.Addr { return c.remote }
