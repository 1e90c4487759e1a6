package zkserver_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestClientsWhoTakeNothingAreCutOff: many of them ask for far more than may wait,
// and a good client is served all the while.
func TestClientsWhoTakeNothingAreCutOff(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxOutput = 4 << 20 })
	good := connect(t, s)
	good.create("/large", string(make([]byte, 900<<10)), 0)
	var hogs []*client
	for range 10 {
		hog := connect(t, s)
		for range 20 {
			hog.send(wire.OpGetData, &wire.PathWatchRequest{Path: "/large"})
		}
		hogs = append(hogs, hog)
	}
	for deadline := time.Now().Add(90 * time.Second); !slices.ContainsFunc(hogs, (*client).cut); {
		if data, _, code := good.get("/large", false); code != wire.OK || len(data) != 900<<10 {
			t.Fatalf("a good client got %d bytes, %v", len(data), code)
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody was cut off")
		}
	}
}

// cut reports whether the server has closed the connection, whose replies wait.
func (c *client) cut() bool {
	c.nc.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := c.nc.Write(frame(&wire.RequestHeader{Xid: wire.XidPing, Op: wire.OpPing}))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestSessionsOfOneAddressAreBounded(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxSessionsPerAddr = 2 })
	first := connect(t, s)
	connect(t, s)
	c := dial(t, s)
	c.write(frame(&wire.ConnectRequest{TimeoutMillis: 10_000, Password: make([]byte, 16)}))
	c.closed()
	if _, ok := reconnect(t, s, first); !ok {
		t.Error("a session that exists is refused")
	}
	again, _ := reconnect(t, s, first)
	again.do(wire.OpCloseSession, &wire.Empty{}, nil)
	connect(t, s)
}

func TestWatchesOfAllConnectionsAreBounded(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxWatches = 3 })
	a, b := connect(t, s), connect(t, s)
	a.create("/a", "", 0)
	a.create("/b", "", 0)
	a.get("/a", true)
	a.get("/b", true)
	b.get("/a", true)
	if _, _, code := b.get("/b", true); code != wire.OperationTimeout {
		t.Errorf("one watch too many: %v, want operation timeout", code)
	}
	if _, _, code := b.get("/a", true); code != wire.OK {
		t.Errorf("a watch that is there: %v", code)
	}
}
