package zkserver_test

import (
	"fmt"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestEverythingIsThereAfterARestart(t *testing.T) {
	for name, options := range map[string][]func(*zkserver.Config){
		"from the log": nil,
		"from many snapshots": {func(cfg *zkserver.Config) {
			cfg.SnapshotEntries = 20
			cfg.SegmentBytes = 64 << 10
			cfg.MaxFrame = 32 << 10
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := zktest.NewServer(t, options...)
			c := connect(t, s)
			c.create("/e", "mine", wire.FlagEphemeral)
			c.create("/p", "", 0)
			for round := range 4 {
				for i := range 50 {
					want := fmt.Sprintf("/p/s-%010d", round*50+i)
					if got := c.create("/p/s-", "data", wire.FlagSequential); got != want {
						t.Fatalf("created %s, want %s", got, want)
					}
				}
				before := c.ping().Zxid
				s.Restart()
				var ok bool
				if c, ok = reconnect(t, s, c); !ok {
					t.Fatal("session is gone")
				}
				if after := c.ping().Zxid; after <= before {
					t.Errorf("zxid fell from %#x to %#x", before, after)
				}
				if n := len(c.children("/p", false)); n != (round+1)*50 {
					t.Fatalf("%d children, want %d", n, (round+1)*50)
				}
				data, stat, _ := c.get("/e", false)
				if data != "mine" || stat.EphemeralOwner != c.conn.SessionID {
					t.Fatalf("/e is %q, %+v", data, stat)
				}
			}
		})
	}
}

func TestAClosedSessionStaysClosedAfterARestart(t *testing.T) {
	s := zktest.NewServer(t)
	c := connect(t, s)
	c.create("/e", "", wire.FlagEphemeral)
	c.do(wire.OpCloseSession, &wire.Empty{}, nil)
	s.Restart()
	if _, ok := reconnect(t, s, c); ok {
		t.Error("closed session can be attached to")
	}
	if connect(t, s).exists("/e", false) {
		t.Error("its ephemeral znode is there")
	}
}
