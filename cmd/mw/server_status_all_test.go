package main

import (
	"net"
	"testing"

	"github.com/mwqueue/mw/zkserver/zktest"
)

// Two names of a server that stands alone used to be called two servers with
// different trees.
func TestTwoNamesOfAServerAreOneServer(t *testing.T) {
	addr := zktest.NewServer(t).Addr()
	_, port, _ := net.SplitHostPort(addr)
	all := askAll(t.Context(), new(net.Dialer).DialContext, []string{addr, "localhost:" + port})
	if all.Serving != 1 || all.Servers[1].SameAs != addr {
		t.Errorf("%d servers serve, the second is %+v", all.Serving, all.Servers[1])
	}
	if err := all.problem(); err != nil {
		t.Error(err)
	}
	other := zktest.NewServer(t).Addr()
	all = askAll(t.Context(), new(net.Dialer).DialContext, []string{addr, other})
	if all.Serving != 2 || all.problem() == nil {
		t.Errorf("two servers that stand alone are %d servers without a problem", all.Serving)
	}
}
