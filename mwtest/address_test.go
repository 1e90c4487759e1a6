package mwtest_test

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/mwqueue/mw/mwtest"
)

// A server may listen on an address that is held, end and listen again, and
// meanwhile no connection can have its port.
func TestAnAddressIsHeldWhileNobodyListens(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lets a program listen on a port that is held")
	}
	a := must(mwtest.HoldAddress())(t)
	defer a.Release()
	for range 2 { // a server, and it again after its end
		l, err := net.Listen("tcp", a.String())
		if err != nil {
			t.Fatal(err)
		}
		nc, err := net.Dial("tcp", a.String())
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
		l.Close()
	}
	if _, err := net.Dial("tcp", a.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a connection when nobody listens: %v, want it refused", err)
	}
	_, port, _ := net.SplitHostPort(a.String())
	connect := net.Dialer{LocalAddr: must(net.ResolveTCPAddr("tcp", "127.0.0.1:"+port))(t)}
	target := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer target.Close()
	if _, err := connect.Dial("tcp", target.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a connection from a port that is held: %v, want it in use", err)
	}

	a.Release()
	l, err := net.Listen("tcp", a.String())
	if err != nil {
		t.Fatalf("listen after the release: %v", err)
	}
	l.Close()
}
