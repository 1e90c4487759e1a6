package mwtest

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"syscall"
)

// An Address is a TCP address of the loopback that is ours until it is
// released, whether a program of ours listens on it or has been killed. Without
// that, the system may give its port to any connection that is made meanwhile.
// It is safe for concurrent use.
type Address struct {
	addr *net.TCPAddr

	mu   sync.Mutex // protects hold
	hold int        // a socket that is bound and does not listen; -1: none
}

// HoldAddress takes an address on which nobody listens. The caller releases it.
//
// Linux lets a program listen where a socket is bound that does not listen, if
// both set SO_REUSEADDR, as servers do (socket(7)), and gives the port to none
// that asks for a free one. Other systems do not: there the address was only
// free a moment ago.
func HoldAddress() (*Address, error) {
	fd, addr, err := bindLoopback()
	if err != nil {
		return nil, fmt.Errorf("mwtest: find a free port: %w", err)
	}
	a := &Address{addr: addr, hold: fd}
	if runtime.GOOS != "linux" {
		a.Release()
	}
	return a, nil
}

// String is the address as host:port.
func (a *Address) String() string { return a.addr.String() }

// Release lets others have the address. Further calls do nothing.
func (a *Address) Release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hold >= 0 {
		syscall.Close(a.hold)
		a.hold = -1
	}
}

// bindLoopback binds a socket to a free port without listening on it.
func bindLoopback() (int, *net.TCPAddr, error) {
	syscall.ForkLock.RLock() // no child inherits the socket
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, nil, err
	}
	addr, err := bindTo(fd)
	if err != nil {
		syscall.Close(fd)
		return -1, nil, err
	}
	return fd, addr, nil
}

func bindTo(fd int) (*net.TCPAddr, error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return nil, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	at, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return nil, errors.New("the socket has no IPv4 address")
	}
	return &net.TCPAddr{IP: net.IP(at.Addr[:]), Port: at.Port}, nil
}
