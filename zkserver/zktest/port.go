package zktest

import (
	"fmt"
	"net"
	"sync"
	"syscall"
)

// A port is a TCP port on the loopback that stays ours while nobody listens on
// it: between Close and Reopen connections are refused, and no other process
// can take the number.
type port struct {
	addr *net.TCPAddr

	mu   sync.Mutex // protects the fields below
	ln   net.Listener
	hold int // a socket that is bound and does not listen, or -1
}

// openPort listens on a free port.
func openPort() (*port, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &port{addr: ln.Addr().(*net.TCPAddr), ln: ln, hold: -1}, nil
}

func (p *port) Addr() net.Addr { return p.addr }

// Accept waits for a connection. It returns net.ErrClosed after Close.
func (p *port) Accept() (net.Conn, error) {
	p.mu.Lock()
	ln := p.ln
	p.mu.Unlock()
	if ln == nil {
		return nil, net.ErrClosed
	}
	return ln.Accept()
}

// Close stops listening and keeps the port.
func (p *port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ln == nil {
		return net.ErrClosed
	}
	err := p.ln.Close()
	p.ln = nil
	p.hold, _ = bindOnly(p.addr) // -1: only less sure to get the port again
	return err
}

// Reopen listens again.
func (p *port) Reopen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ln != nil {
		return nil
	}
	p.releaseLocked()
	ln, err := net.Listen("tcp", p.addr.String())
	if err != nil {
		return fmt.Errorf("listen on %s again: %w", p.addr, err)
	}
	p.ln = ln
	return nil
}

// release stops listening and lets go of the port.
func (p *port) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ln != nil {
		p.ln.Close()
		p.ln = nil
	}
	p.releaseLocked()
}

func (p *port) releaseLocked() {
	if p.hold >= 0 {
		syscall.Close(p.hold)
		p.hold = -1
	}
}

// bindOnly binds a socket to addr without listening on it.
func bindOnly(addr *net.TCPAddr) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	to := &syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(fd, to)
		if err == nil {
			return fd, nil
		}
	}
	syscall.Close(fd)
	return -1, err
}
