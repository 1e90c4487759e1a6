package zkserver_test

import (
	"fmt"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// "Requests from a client will be executed in the order they were sent"
// (ZooKeeper Programmer's Guide, "Consistency Guarantees").
func TestPipelinedRequestsTakeEffectInOrder(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/a", "0", 0)

	const rounds = 60
	var burst []byte
	first := c.xid + 1
	for i := range rounds {
		set := wire.SetDataRequest{Path: "/a", Data: fmt.Append(nil, i), Version: int32(i)}
		get := wire.PathWatchRequest{Path: "/a"}
		burst = append(burst, c.request(wire.OpSetData, &set)...)
		burst = append(burst, c.request(wire.OpGetData, &get)...)
		burst = append(burst, c.request(wire.OpSync, &wire.PathRequest{Path: "/a"})...)
		burst = append(burst, c.request(wire.OpExists, &get)...)
	}
	c.write(burst)

	last := int64(0)
	for xid := first; xid <= c.xid; xid++ {
		r := c.reply()
		if r.Xid != xid || r.Err != wire.OK {
			t.Fatalf("reply %+v, want xid %d and ok", r.ReplyHeader, xid)
		}
		if r.Zxid < last {
			t.Fatalf("zxid fell from %#x to %#x", last, r.Zxid)
		}
		last = r.Zxid
		if round, step := (xid-first)/4, (xid-first)%4; step == 1 {
			var out wire.GetDataResponse
			c.decode(r.body, &out)
			if got := string(out.Data); got != fmt.Sprint(round) {
				t.Fatalf("the read after write %d sees %q", round, got)
			}
		}
	}
}

func TestZxidGrowsByOnePerWrite(t *testing.T) {
	s := zktest.NewServer(t)
	c := connect(t, s)
	base := c.ping().Zxid
	if base>>32 != 1 {
		t.Errorf("epoch of a new server is %d, want 1", base>>32)
	}
	c.create("/a", "", 0)
	c.create("/a/b", "", wire.FlagEphemeral)
	c.set("/a", "x")
	if got := c.ping().Zxid; got != base+3 {
		t.Errorf("zxid after 3 writes = %#x, was %#x", got, base)
	}
	other := connect(t, s) // a new session is a write, too
	if got := c.ping().Zxid; got != base+4 {
		t.Errorf("zxid after a new session = %#x, was %#x", got, base)
	}
	reconnect(t, s, other)
	if got := c.ping().Zxid; got != base+4 {
		t.Errorf("zxid after an attach = %#x, was %#x", got, base)
	}
}

func TestEpochRisesWithEachStart(t *testing.T) {
	s := zktest.NewServer(t)
	c := connect(t, s)
	c.create("/a", "", 0)
	before := c.ping().Zxid
	s.Restart()
	c, ok := reconnect(t, s, c)
	if !ok {
		t.Fatal("session is gone")
	}
	if after := c.ping().Zxid; after>>32 <= before>>32 {
		t.Errorf("zxid %#x before, %#x after: same epoch", before, after)
	}
}
