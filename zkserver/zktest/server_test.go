package zktest_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/mwqueue/mw/zkserver/zktest"
)

// connect opens a session of the go-zookeeper client through dial, and closes it
// with the test.
func connect(t *testing.T, addr string, dial zk.Dialer, timeout time.Duration) (*zk.Conn, <-chan zk.Event) {
	t.Helper()
	conn, events, err := zk.Connect([]string{addr}, timeout, zk.WithDialer(dial), zk.WithLogInfo(false), zk.WithLogger(silent{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	waitState(t, events, zk.StateHasSession)
	return conn, events
}

type silent struct{}

func (silent) Printf(string, ...any) {}

func waitState(t *testing.T, events <-chan zk.Event, want zk.State) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case e := <-events:
			if e.State == want {
				return
			}
		case <-timeout:
			t.Fatalf("no %v within a minute", want)
		}
	}
}

// TestServerKeepsWhatItAcknowledged over a restart, on the same address.
func TestServerKeepsWhatItAcknowledged(t *testing.T) {
	server := zktest.NewServer(t)
	addr := server.Addr()
	conn, events := connect(t, addr, net.DialTimeout, 10*time.Second)
	if _, err := conn.Create("/kept", []byte("data"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	waitState(t, events, zk.StateDisconnected)
	server.Stop() // does nothing

	server.Restart()
	waitState(t, events, zk.StateHasSession)
	data, _, err := conn.Get("/kept")
	if err != nil || string(data) != "data" {
		t.Errorf("after restart: %q, %v; want data", data, err)
	}
	if server.Addr() != addr {
		t.Errorf("address after restart is %s, was %s", server.Addr(), addr)
	}
}

// TestClientRunsInABubble: the go-zookeeper client and the server live in one
// synctest bubble, where an idle hour takes no time.
func TestClientRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer(t, zktest.InMemory)
		listener := server.Listener()
		conn, _ := connect(t, server.Addr(), listener.DialTimeout, 10*time.Second)
		if _, err := conn.Create("/alive", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		id := conn.SessionID()
		time.Sleep(time.Hour) // pings
		if exists, _, err := conn.Exists("/alive"); err != nil || !exists || conn.SessionID() != id {
			t.Errorf("after an hour: exists %v, %v, session %x, was %x", exists, err, conn.SessionID(), id)
		}
	})
}

// TestSilentClientExpiresInABubble: what a session owned is gone after its
// timeout, and another client hears of it.
func TestSilentClientExpiresInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 10 * time.Second
		server := zktest.NewServer(t, zktest.InMemory)
		front := zktest.NewListener()
		proxy := zktest.NewMemoryProxy(t, front, server.Listener())
		victim, _ := connect(t, server.Addr(), front.DialTimeout, timeout)
		watcher, _ := connect(t, server.Addr(), server.Listener().DialTimeout, timeout)
		if _, err := victim.Create("/gone", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		_, _, gone, err := watcher.ExistsW("/gone")
		if err != nil {
			t.Fatal(err)
		}
		proxy.SetMode(zktest.Silence)
		start := time.Now()
		if e := <-gone; e.Type != zk.EventNodeDeleted {
			t.Errorf("event %v, want deleted", e.Type)
		}
		// The last the server heard may have been up to a third of the
		// timeout before.
		if took := time.Since(start); took < timeout/2 || took > timeout+500*time.Millisecond {
			t.Errorf("expired after %v of silence, want %v at most", took, timeout)
		}
		proxy.SetMode(zktest.Pass)
	})
}

// TestPowerCutKeepsWhatWasAcknowledged: what a client was told is on the disk.
func TestPowerCutKeepsWhatWasAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer(t, zktest.InMemory)
		conn, events := connect(t, server.Addr(), server.Listener().DialTimeout, 10*time.Second)
		for range 3 {
			if _, err := conn.Create("/n-", nil, zk.FlagSequence, zk.WorldACL(zk.PermAll)); err != nil {
				t.Fatal(err)
			}
			server.PowerCut()
			waitState(t, events, zk.StateDisconnected)
			server.Restart()
			waitState(t, events, zk.StateHasSession)
		}
		names, _, err := conn.Children("/")
		if err != nil || len(names) != 4 { // and /zookeeper
			t.Errorf("after three power cuts: %v, %v; want three names and zookeeper", names, err)
		}
	})
}

// TestStoppedServerRefuses connections until it is started again.
func TestStoppedServerRefuses(t *testing.T) {
	server := zktest.NewServer(t)
	server.Stop()
	if c, err := server.Dial(t.Context(), "", ""); err == nil {
		c.Close()
		t.Error("dial went through")
	} else if !errors.As(err, new(*net.OpError)) {
		t.Errorf("dial: %v, want a refusal", err)
	}
	server.Restart()
	c, err := server.Dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
