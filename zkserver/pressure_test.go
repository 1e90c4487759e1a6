package zkserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestClientsWhoTakeNothingAreCutOff: many of them ask for far more than may wait,
// and a good client is served all the while.
func TestClientsWhoTakeNothingAreCutOff(t *testing.T) {
	log := make(lines, 1000)
	s := zktest.NewServer(t, func(cfg *zkserver.Config) {
		cfg.MaxOutput = 4 << 20
		cfg.Log = zerolog.New(log)
	})
	good := connect(t, s)
	good.create("/large", string(make([]byte, 900<<10)), 0)
	for range 10 {
		hog := connect(t, s)
		for range 20 {
			hog.send(wire.OpGetData, &wire.PathWatchRequest{Path: "/large"})
		}
	}
	deadline := time.After(90 * time.Second)
	for {
		if data, _, code := good.get("/large", false); code != wire.OK || len(data) != 900<<10 {
			t.Fatalf("a good client got %d bytes, %v", len(data), code)
		}
		select {
		case line := <-log:
			if strings.Contains(line, "client takes no replies") {
				return
			}
		case <-deadline:
			t.Fatal("nobody was cut off")
		default:
		}
	}
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
	if _, _, code := b.get("/b", true); code != wire.ThrottledOp {
		t.Errorf("one watch too many: %v, want throttled", code)
	}
	if _, _, code := b.get("/a", true); code != wire.OK {
		t.Errorf("a watch that is there: %v", code)
	}
}
