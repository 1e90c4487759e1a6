package zkserver_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// session dials and starts a session with the timeout.
func session(t testing.TB, s *zktest.Server, timeout time.Duration) *client {
	t.Helper()
	c := dial(t, s)
	if !c.handshake(wire.ConnectRequest{TimeoutMillis: int32(timeout.Milliseconds())}) {
		t.Fatal("no session")
	}
	return c
}

// awaitGone returns how long it takes until path is gone.
func (c *client) awaitGone(path string) time.Duration {
	c.t.Helper()
	start := time.Now()
	if !c.exists(path, true) {
		return 0
	}
	for {
		c.nc.SetReadDeadline(time.Time{})
		if _, err := c.br.Peek(1); err != nil {
			c.t.Fatal(err)
		}
		if r := c.reply(); r.Xid == wire.XidWatch {
			return time.Since(start)
		}
	}
}

// keepAlive pings every interval, until the test ends.
func (c *client) keepAlive(interval time.Duration) {
	ctx := c.t.Context()
	go func() {
		for tick := time.NewTicker(interval); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				c.nc.Write(frame(&wire.RequestHeader{Xid: wire.XidPing, Op: wire.OpPing}))
			}
		}
	}()
}

func TestSilentSessionExpiresWithin100msOfItsTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{time.Second, 2500 * time.Millisecond, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := zktest.NewServer(t, zktest.InMemory)
			watcher := session(t, s, time.Minute)
			watcher.keepAlive(10 * time.Second)
			c := session(t, s, timeout)
			c.create("/e", "", wire.FlagEphemeral)

			took := watcher.awaitGone("/e")
			if took < timeout || took > timeout+100*time.Millisecond {
				t.Errorf("session of %v ended after %v", timeout, took)
			}
			c.closed()
		})
	}
}

func TestAnyRequestKeepsASessionAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		c := session(t, s, 2*time.Second)
		c.create("/e", "", wire.FlagEphemeral)
		for range 20 {
			time.Sleep(1900 * time.Millisecond)
			c.get("/e", false)
			time.Sleep(1900 * time.Millisecond)
			c.ping()
		}
		if !c.exists("/e", false) {
			t.Error("session has ended")
		}
	})
}

func TestSessionLivesWithoutAConnectionForItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		c := session(t, s, 5*time.Second)
		for range 3 {
			c.nc.Close()
			time.Sleep(4900 * time.Millisecond)
			var ok bool
			if c, ok = reconnect(t, s, c); !ok {
				t.Fatal("session ended before its timeout")
			}
		}
		c.nc.Close()
		time.Sleep(5200 * time.Millisecond)
		if _, ok := reconnect(t, s, c); ok {
			t.Error("session lives after its timeout")
		}
	})
}

func TestRestartGivesSessionsTheirFullTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		c := session(t, s, 4*time.Second)
		c.create("/e", "", wire.FlagEphemeral)
		time.Sleep(3 * time.Second)
		s.Stop()
		time.Sleep(time.Hour)
		s.Restart()
		time.Sleep(3900 * time.Millisecond)
		c, ok := reconnect(t, s, c)
		if !ok || !c.exists("/e", false) {
			t.Error("session did not get its full timeout after the restart")
		}
	})
}

// While a client has much to take the server reads nothing from it, so it does
// not hear the pings either.
func TestSessionOfASlowReaderLivesAsLongAsItReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		c := session(t, s, 2*time.Second)
		c.create("/e", "", wire.FlagEphemeral)
		c.do(wire.OpCreate, &wire.CreateRequest{Path: "/large", ACL: openACL, Data: make([]byte, 500_000)}, nil)

		var requests []byte
		for range 100 {
			requests = append(requests, c.request(wire.OpGetData, &wire.PathWatchRequest{Path: "/large"})...)
		}
		c.write(requests) // fits the buffer of the server
		c.keepAlive(300 * time.Millisecond)

		c.nc.SetReadDeadline(time.Time{})
		slow := make([]byte, 64<<10)
		for range 60 {
			time.Sleep(time.Second)
			if _, err := io.ReadFull(c.br, slow); err != nil {
				t.Fatal(err)
			}
		}
		watcher := session(t, s, time.Minute)
		if !watcher.exists("/e", false) {
			t.Error("session expired while its client was reading")
		}
		if took := watcher.awaitGone("/e"); took > 2100*time.Millisecond {
			t.Errorf("session ended %v after its client had stopped reading", took)
		}
	})
}
