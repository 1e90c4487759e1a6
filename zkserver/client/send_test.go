package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// Send keeps to MaxInFlight, and Done is called in the order of Send.
func TestSendsAreAnsweredInTheirOrder(t *testing.T) {
	s := zktest.NewServer(t)
	c := dial(t, client.Config{Servers: []string{s.Addr()}, MaxInFlight: 16})
	const n = 500
	done := make(chan *client.Call, n)
	for i := range n {
		call := &client.Call{
			Op:      wire.OpCreate,
			Request: &wire.CreateRequest{Path: fmt.Sprintf("/n%d", i), ACL: client.OpenACL},
			Reply:   new(wire.CreateResponse),
			Done:    func(call *client.Call) { done <- call },
		}
		must(t, c.Send(t.Context(), call))
	}
	var last int64
	for i := range n {
		call := <-done
		if got, want := call.Reply.(*wire.CreateResponse).Path, fmt.Sprintf("/n%d", i); got != want || call.Err != nil {
			t.Fatalf("answer %d is of %q (%v), want %q", i, got, call.Err, want)
		}
		if call.Header.Zxid <= last {
			t.Fatalf("zxid %d after %d", call.Header.Zxid, last)
		}
		last = call.Header.Zxid
	}
}

// A call whose connection ends is answered once, with that; the next goes through.
func TestCallsInFlightAreLostWithTheConnection(t *testing.T) {
	s := zktest.NewServer(t)
	proxy := zktest.NewProxy(t, s.Addr())
	c := dial(t, client.Config{Servers: []string{proxy.Addr()}})
	proxy.SetMode(zktest.DropReplies)
	errs := make(chan error, 10)
	for range cap(errs) {
		must(t, c.Send(t.Context(), &client.Call{
			Op: wire.OpSync, Request: &wire.PathRequest{Path: "/"},
			Done: func(call *client.Call) { errs <- call.Err },
		}))
	}
	proxy.SetMode(zktest.Pass)
	proxy.Cut()
	for range cap(errs) {
		if err := <-errs; err != nil && !errors.Is(err, client.ErrConnectionLost) {
			t.Errorf("call = %v, want %v", err, client.ErrConnectionLost)
		}
	}
	must(t, c.Sync(t.Context(), "/"))
}

// Connections end in the middle of a frame, a hundred calls in flight: each is answered once, and
// what was answered OK was done.
func TestEveryCallIsAnsweredOnceWhateverHappens(t *testing.T) {
	s := zktest.NewServer(t)
	proxy := zktest.NewProxy(t, s.Addr())
	c := dial(t, client.Config{Servers: []string{proxy.Addr()}, MaxInFlight: 100})
	_, err := c.Create(t.Context(), "/n", nil, wire.FlagPersistent, client.OpenACL)
	must(t, err)
	const n = 1000
	answers := make([]int, n)
	ok := 0
	done := make(chan struct{}, n)
	for i := range n {
		if i%250 == 50 {
			proxy.CutAfter(zktest.Direction(i/250%2), 1000+i)
		}
		must(t, c.Send(t.Context(), &client.Call{
			Op: wire.OpSetData, Request: &wire.SetDataRequest{Path: "/n", Version: -1}, Reply: new(wire.StatResponse),
			Done: func(call *client.Call) { // one at a time
				answers[i]++
				switch {
				case call.Err == nil && call.Header.Err == wire.OK:
					ok++
				case !errors.Is(call.Err, client.ErrConnectionLost):
					t.Errorf("call %d: %v, %v", i, call.Err, call.Header.Err)
				}
				done <- struct{}{}
			},
		}))
	}
	for range n {
		<-done
	}
	for i, got := range answers {
		if got != 1 {
			t.Fatalf("call %d was answered %d times", i, got)
		}
	}
	stat, err := c.Exists(t.Context(), "/n", false)
	if must(t, err); int(stat.Version) < ok || int(stat.Version) > n || ok == 0 {
		t.Errorf("%d writes were done, %d answered OK", stat.Version, ok)
	}
}

func TestTrySendNeverWaits(t *testing.T) {
	s := zktest.NewServer(t)
	proxy := zktest.NewProxy(t, s.Addr())
	c := dial(t, client.Config{Servers: []string{proxy.Addr()}, MaxInFlight: 1})
	proxy.SetMode(zktest.Silence)
	done := make(chan error, 1)
	call := func() *client.Call {
		return &client.Call{Op: wire.OpSync, Request: &wire.PathRequest{Path: "/"}, Done: func(call *client.Call) { done <- call.Err }}
	}
	if !c.TrySend(call()) {
		t.Fatal("the first call was not taken")
	}
	if c.TrySend(call()) {
		t.Fatal("a call more than may be in flight was taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Send(ctx, call()); !errors.Is(err, context.Canceled) {
		t.Errorf("send = %v, want %v", err, context.Canceled)
	}
	proxy.SetMode(zktest.Pass)
	must(t, <-done)
}

// BenchmarkSend is a loop that sends again from Done, with 128 in flight. The
// allocations that it shows are the server's, which runs in the same process.
func BenchmarkSend(b *testing.B) {
	s := zktest.NewServer(b)
	c := dial(b, client.Config{Servers: []string{s.Addr()}})
	const inFlight = 128
	left := make(chan struct{}, inFlight)
	b.ReportAllocs()
	n := 0 // only Done touches it after the first sends
	calls := make([]client.Call, inFlight)
	for i := range calls {
		calls[i] = client.Call{
			Op: wire.OpExists, Request: &wire.PathWatchRequest{Path: "/"}, Reply: new(wire.StatResponse),
			Done: func(call *client.Call) {
				if n++; n > b.N || !c.TrySend(call) {
					left <- struct{}{}
				}
			},
		}
	}
	for i := range calls {
		must(b, c.Send(b.Context(), &calls[i]))
	}
	for range inFlight {
		<-left
	}
}
