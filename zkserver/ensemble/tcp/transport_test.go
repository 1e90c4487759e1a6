package tcp_test

import (
	"net"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

func TestConfigIsChecked(t *testing.T) {
	if _, err := tcp.New(tcp.Config{}); err == nil {
		t.Error("no listener was accepted")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	twice := []ensemble.Member{{Number: 2}, {Number: 2}}
	if _, err := tcp.New(tcp.Config{Listener: l, Number: 1, Members: twice}); err == nil {
		t.Error("a member was accepted twice")
	}
}
