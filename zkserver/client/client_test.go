package client_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// ZooKeeper Programmer's Guide, "Watches": a client sees the event before it sees
// the new data. So an event precedes the reply of the write that caused it.
func TestEventComesBeforeTheReplyOfItsWrite(t *testing.T) {
	c, h := open(t)
	ctx := t.Context()
	_, err := c.Exists(ctx, "/a", true)
	wantCode(t, err, wire.NoNode)
	_, err = c.Create(ctx, "/a", nil, wire.FlagPersistent, client.OpenACL)
	must(t, err)
	want := []wire.WatcherEvent{none(wire.StateSyncConnected), event(wire.EventCreated, "/a")}
	if diff := cmp.Diff(want, h.wait(t, 1)); diff != "" {
		t.Errorf("events when create had returned (-want +got):\n%s", diff)
	}
}

// A watch survives its connection: what changed meanwhile is heard on the next
// one, and a watch that had fired before is not heard again.
func TestWatchesAreSetAgainOnANewConnection(t *testing.T) {
	s := zktest.NewServer(t)
	other := dial(t, client.Config{Servers: []string{s.Addr()}})
	proxy := zktest.NewProxy(t, s.Addr())
	h := new(heard)
	c := dial(t, client.Config{Servers: []string{proxy.Addr()}, OnEvent: h.on})
	ctx := t.Context()
	for _, path := range []string{"/data", "/child", "/tree", "/pers"} {
		_, err := c.Create(ctx, path, nil, wire.FlagPersistent, client.OpenACL)
		must(t, err)
	}
	_, _, err := c.Get(ctx, "/data", true)
	must(t, err)
	_, _, err = c.Children(ctx, "/child", true)
	must(t, err)
	_, err = c.Exists(ctx, "/none", true)
	wantCode(t, err, wire.NoNode)
	must(t, c.AddWatch(ctx, "/pers", wire.AddPersistent))
	must(t, c.AddWatch(ctx, "/tree", wire.AddPersistentRecursive))
	session := c.Session().ID

	proxy.SetMode(zktest.Refuse)
	proxy.Cut()
	h.wait(t, 2) // Disconnected
	_, err = other.Set(ctx, "/data", []byte("new"), -1)
	must(t, err)
	_, err = other.Create(ctx, "/child/x", nil, wire.FlagPersistent, client.OpenACL)
	must(t, err)
	_, err = other.Create(ctx, "/none", nil, wire.FlagPersistent, client.OpenACL)
	must(t, err)
	proxy.SetMode(zktest.Pass)
	got := h.wait(t, 6)
	want := map[wire.WatcherEvent]bool{
		event(wire.EventDataChanged, "/data"):      true,
		event(wire.EventChildrenChanged, "/child"): true,
		event(wire.EventCreated, "/none"):          true,
	}
	for _, e := range got[3:] {
		if !want[e] {
			t.Errorf("heard %+v after the reconnect", e)
		}
		delete(want, e)
	}
	if c.Session().ID != session {
		t.Errorf("session is 0x%x, was 0x%x", c.Session().ID, session)
	}

	_, err = other.Set(ctx, "/pers", nil, -1)
	must(t, err)
	_, err = other.Create(ctx, "/tree/a", nil, wire.FlagPersistent, client.OpenACL)
	must(t, err)
	got = h.wait(t, 8)
	if diff := cmp.Diff([]wire.WatcherEvent{event(wire.EventDataChanged, "/pers"), event(wire.EventCreated, "/tree/a")}, got[6:]); diff != "" {
		t.Errorf("persistent watches after the reconnect (-want +got):\n%s", diff)
	}
}

func TestIdentitiesAreGivenToANewConnection(t *testing.T) {
	s := zktest.NewServer(t)
	proxy := zktest.NewProxy(t, s.Addr())
	h := new(heard)
	c := dial(t, client.Config{Servers: []string{proxy.Addr()}, OnEvent: h.on})
	ctx := t.Context()
	must(t, c.AddAuth(ctx, "digest", []byte("ann:secret")))
	_, err := c.Create(ctx, "/mine", []byte("x"), wire.FlagPersistent, []wire.ACL{{Perms: wire.PermAll, Scheme: "auth"}})
	must(t, err)
	proxy.Cut()
	h.wait(t, 3)
	data, _, err := c.Get(ctx, "/mine", false)
	if must(t, err); string(data) != "x" {
		t.Errorf("get = %q", data)
	}
	must(t, c.AddAuth(ctx, "digest", []byte("bob:secret"))) // its reply is told from the first one's
}

func TestRefusedIdentityEndsTheClient(t *testing.T) {
	c, h := open(t)
	if err := c.AddAuth(t.Context(), "nonsense", nil); !errors.Is(err, client.ErrAuthFailed) {
		t.Errorf("add auth = %v, want %v", err, client.ErrAuthFailed)
	}
	if got := h.wait(t, 2)[1]; got != none(wire.StateAuthFailed) {
		t.Errorf("heard %+v", got)
	}
	if _, _, err := c.Get(t.Context(), "/", false); !errors.Is(err, client.ErrAuthFailed) {
		t.Errorf("get = %v, want %v", err, client.ErrAuthFailed)
	}
}

func TestCloseEndsTheSession(t *testing.T) {
	s := zktest.NewServer(t)
	h := new(heard)
	c := dial(t, client.Config{Servers: []string{s.Addr()}, OnEvent: h.on})
	other := dial(t, client.Config{Servers: []string{s.Addr()}})
	_, err := c.Create(t.Context(), "/e", nil, wire.FlagEphemeral, client.OpenACL)
	must(t, err)
	must(t, c.Close())
	must(t, c.Close())
	if _, err := other.Exists(t.Context(), "/e", false); client.CodeOf(err) != wire.NoNode {
		t.Errorf("the ephemeral znode of a closed session: %v", err)
	}
	if diff := cmp.Diff([]wire.WatcherEvent{none(wire.StateSyncConnected), none(wire.StateClosed)}, h.wait(t, 2)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if _, err := c.Exists(t.Context(), "/e", false); !errors.Is(err, client.ErrClosed) {
		t.Errorf("exists = %v, want %v", err, client.ErrClosed)
	}
}

func TestNobodyAnswersTheDial(t *testing.T) {
	s := zktest.NewServer(t)
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := client.Dial(ctx, client.Config{Servers: []string{s.Addr()}})
	if !errors.Is(err, client.ErrNotConnected) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("dial = %v, want why", err)
	}
	if _, err := client.New(client.Config{}); err == nil {
		t.Error("a config without servers was taken")
	}
	if _, err := client.New(client.Config{Servers: []string{"a:1"}, Chroot: "x"}); err == nil {
		t.Error("a chroot without a slash was taken")
	}
}

// Minutes without a request pass, and the session lives by its pings; then the
// network falls silent: calls in flight are lost, waiting ones are told why, and
// a server that has let the session expire ends the client.
func TestSessionLivesByPingsAndExpiresInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		front := zktest.NewListener()
		proxy := zktest.NewMemoryProxy(t, front, s.Listener())
		h := new(heard)
		c, err := client.New(client.Config{Servers: []string{"a:1"}, Dial: front.Dial, OnEvent: h.on, SessionTimeout: 6 * time.Second})
		must(t, err)
		ended := make(chan error, 1)
		go func() { ended <- c.Run(t.Context()) }()
		must(t, c.Wait(t.Context()))
		session := c.Session().ID
		time.Sleep(10 * time.Minute)
		_, _, err = c.Get(t.Context(), "/", false)
		must(t, err)
		if got := len(h.wait(t, 1)); got != 1 || c.Session().ID != session {
			t.Errorf("%d events, session 0x%x, want 1 and 0x%x", got, c.Session().ID, session)
		}

		proxy.SetMode(zktest.Silence)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := c.Exists(short, "/", false); !errors.Is(err, client.ErrNotFinished) {
			t.Errorf("exists with a second's patience = %v, want %v", err, client.ErrNotFinished)
		}
		cancel()
		if _, err := c.Exists(t.Context(), "/", false); !errors.Is(err, client.ErrConnectionLost) {
			t.Errorf("exists = %v, want %v", err, client.ErrConnectionLost)
		}
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		if _, err := c.Exists(short, "/", false); !errors.Is(err, client.ErrNotConnected) {
			t.Errorf("exists without a connection = %v, want %v", err, client.ErrNotConnected)
		}
		cancel()
		time.Sleep(time.Minute)
		proxy.SetMode(zktest.Pass)
		if err := <-ended; !errors.Is(err, client.ErrSessionExpired) {
			t.Errorf("run = %v, want %v", err, client.ErrSessionExpired)
		}
		events := h.wait(t, 3)
		if last := events[len(events)-1]; last != none(wire.StateExpired) {
			t.Errorf("heard last %+v", last)
		}
	})
}

// A server that takes a session and then hangs up, again and again, is not asked
// without a pause.
func TestServerThatHangsUpIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := zktest.NewListener()
		var dials atomic.Int32
		go func() { // ends with ln
			for {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				dials.Add(1)
				wire.ReadFrame(nc, nil, wire.MaxFrame)
				b, start := wire.BeginFrame(nil)
				b = (&wire.ConnectResponse{TimeoutMillis: 6000, SessionID: 1, Password: make([]byte, 16)}).Append(b)
				nc.Write(wire.EndFrame(b, start))
				nc.Close()
			}
		}()
		c, err := client.New(client.Config{Servers: []string{"a:1"}, Dial: ln.Dial})
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("run = %v", err)
		}
		ln.Close()
		if n := dials.Load(); n < 30 || n > 150 {
			t.Errorf("%d connections in a minute", n)
		}
	})
}
