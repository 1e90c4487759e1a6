package main

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/mwtest"
	"github.com/mwqueue/mw/zkserver/client"
)

// A server that is not there used to be called again and again until the time was over.
func TestMembersThatAreGoneDelayNobody(t *testing.T) {
	gone, err := mwtest.HoldAddress() // nobody listens there
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Release()
	m := membership{Members: []listedMember{{Number: 1, Address: "127.0.0.1:1"}}}
	start := time.Now()
	silent := m.askStates(t.Context(), client.Config{Servers: []string{gone.String()}})
	if want := gone.String() + " says nothing of itself: connect: connection refused"; len(silent) != 1 || silent[0] != want {
		t.Errorf("it says %q, want %q", silent, want)
	}
	if took := time.Since(start); took > statesTime/2 {
		t.Errorf("a refused connection took %v", took)
	}
}

// They used to be asked one kind after the other, each with a time of its own.
func TestSilentMembersAreAskedAtTheSameTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // it never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := membership{Members: []listedMember{
		{Number: 1, Address: "127.0.0.1:1", Client: l.Addr().String()},
		{Number: 2, Address: "127.0.0.1:2", Client: l.Addr().String()},
		{Number: 3, Address: "127.0.0.1:3"},
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	silent := strings.Join(m.askStates(ctx, client.Config{Servers: []string{l.Addr().String()}}), "\n")
	for _, want := range []string{"member 1 says nothing", "member 2 says nothing", "member 3 is not asked", "i/o timeout"} {
		if !strings.Contains(silent, want) {
			t.Errorf("it says %q, want %q", silent, want)
		}
	}
}
