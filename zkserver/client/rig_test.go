package client_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A heard is what OnEvent was told, in order.
type heard struct {
	mu     sync.Mutex // protects the fields below
	events []wire.WatcherEvent
	more   chan struct{} // closed and replaced by each event
}

func (h *heard) on(e wire.WatcherEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	if h.more != nil {
		close(h.more)
	}
	h.more = make(chan struct{})
}

// next waits for the event after the n-th.
func (h *heard) wait(t testing.TB, n int) []wire.WatcherEvent {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		h.mu.Lock()
		events := append([]wire.WatcherEvent(nil), h.events...)
		if h.more == nil {
			h.more = make(chan struct{})
		}
		more := h.more
		h.mu.Unlock()
		if len(events) >= n {
			return events
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("heard %+v, want %d events", events, n)
		}
	}
}

// dial opens a client that is closed with the test.
func dial(t testing.TB, cfg client.Config) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// open starts a server and a client of it.
func open(t testing.TB) (*client.Client, *heard) {
	t.Helper()
	h := new(heard)
	s := zktest.NewServer(t)
	return dial(t, client.Config{Servers: []string{s.Addr()}, OnEvent: h.on}), h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails unless err is the server's answer code.
func wantCode(t testing.TB, err error, code wire.Code) {
	t.Helper()
	if got := client.CodeOf(err); got != code {
		t.Errorf("error = %v, want code %v", err, code)
	}
}

func none(state wire.KeeperState) wire.WatcherEvent {
	return wire.WatcherEvent{Type: wire.EventNone, State: state}
}

func event(kind wire.EventType, path string) wire.WatcherEvent {
	return wire.WatcherEvent{Type: kind, State: wire.StateSyncConnected, Path: path}
}
