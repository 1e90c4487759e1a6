package zkserver_test

import (
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func sweepOften(cfg *zkserver.Config) { cfg.SweepInterval = 5 * time.Millisecond }

func (c *client) createAs(op wire.Op, path string, flags int32, ttl int64) (wire.Create2Response, wire.Code) {
	c.t.Helper()
	var body wire.Record = &wire.CreateRequest{Path: path, ACL: openACL, Flags: flags}
	if op == wire.OpCreateTTL {
		body = &wire.CreateTTLRequest{Path: path, ACL: openACL, Flags: flags, TTL: ttl}
	}
	var out wire.Create2Response
	if op == wire.OpCreate {
		var created wire.CreateResponse
		r := c.do(op, body, &created)
		return wire.Create2Response{Path: created.Path}, r.Err
	}
	r := c.do(op, body, &out)
	return out, r.Err
}

// awaitDeleted returns when the client hears that the path, which it watches, is
// deleted.
func (c *client) awaitDeleted(path string) {
	c.t.Helper()
	want := wire.WatcherEvent{Type: wire.EventDeleted, State: wire.StateSyncConnected, Path: path}
	if got := c.event(); got != want {
		c.t.Errorf("event = %+v, want %+v", got, want)
	}
}

func TestContainerGoesAfterItsLastChild(t *testing.T) {
	s := zktest.NewServer(t, sweepOften)
	c := connect(t, s)
	out, code := c.createAs(wire.OpCreateContainer, "/c", wire.FlagContainer, 0)
	if code != wire.OK || out.Path != "/c" || out.Stat.EphemeralOwner != 0 {
		t.Fatalf("create = %+v, %v", out, code)
	}
	c.exists("/c", true)
	c.create("/c/x", "", wire.FlagEphemeral)
	before := c.ping().Zxid
	if r := c.do(wire.OpDelete, &wire.DeleteRequest{Path: "/c/x", Version: -1}, nil); r.Err != wire.OK {
		t.Fatal(r.Err)
	}
	c.awaitDeleted("/c")
	if zxid := c.ping().Zxid; zxid < before+2 { // more if it was found twice
		t.Errorf("zxid is %#x after a delete and a container's end, want %#x at least", zxid, before+2)
	}
}

func TestContainerThatNeverHadAChildWaits(t *testing.T) {
	s := zktest.NewServer(t, sweepOften)
	c := connect(t, s)
	c.createAs(wire.OpCreateContainer, "/first", wire.FlagContainer, 0)
	c.createAs(wire.OpCreateContainer, "/second", wire.FlagContainer, 0)
	c.exists("/second", true)
	c.create("/second/x", "", 0)
	c.do(wire.OpDelete, &wire.DeleteRequest{Path: "/second/x", Version: -1}, nil)
	c.awaitDeleted("/second")
	if !c.exists("/first", false) {
		t.Error("a container without children yet is gone")
	}
}

func TestUnusedContainerGoesWhenToldSo(t *testing.T) {
	s := zktest.NewServer(t, sweepOften, func(cfg *zkserver.Config) { cfg.UnusedContainers = time.Millisecond })
	c := connect(t, s)
	c.createAs(wire.OpCreateContainer, "/c", wire.FlagContainer, 0)
	if c.exists("/c", true) {
		c.awaitDeleted("/c")
	}
}

func TestTTLZnodeGoesWhenItsTimeHasPassed(t *testing.T) {
	s := zktest.NewServer(t, sweepOften)
	c := connect(t, s)
	out, code := c.createAs(wire.OpCreateTTL, "/t-", wire.FlagPersistentSequentialTTL, 1)
	if code != wire.OK || out.Path != "/t-0000000000" || out.Stat.EphemeralOwner != 0 {
		t.Fatalf("create = %+v, %v", out, code)
	}
	c.createAs(wire.OpCreateTTL, "/long", wire.FlagPersistentTTL, 1<<40-1)
	if c.exists("/t-0000000000", true) {
		c.awaitDeleted("/t-0000000000")
	}
	if !c.exists("/long", false) {
		t.Error("a znode with 34 years to live is gone")
	}
}

func TestTTLZnodeGoesAfterARestartToo(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.SweepInterval = 50 * time.Millisecond })
	c := connect(t, s)
	c.createAs(wire.OpCreateTTL, "/t", wire.FlagPersistentTTL, 60)
	s.Restart()
	c = connect(t, s)
	if c.exists("/t", true) {
		c.awaitDeleted("/t")
	}
}

// TestModesOfCreate has what Apache ZooKeeper 3.8.0 answers, with
// extendedTypesEnabled, to each op with each flag.
func TestModesOfCreate(t *testing.T) {
	tests := []struct {
		name  string
		op    wire.Op
		flags int32
		ttl   int64
		path  string
		want  wire.Code
	}{
		{name: "container's flag", op: wire.OpCreate, flags: 4, path: "/x"},
		{name: "container's flag in create2", op: wire.OpCreate2, flags: 4, path: "/x"},
		{name: "container op, flag 0", op: wire.OpCreateContainer, path: "/x"},
		{name: "container op, ephemeral", op: wire.OpCreateContainer, flags: 1, path: "/x"},
		{name: "container op, sequential", op: wire.OpCreateContainer, flags: 2, path: "/x0000000000"},
		{name: "container op, ephemeral sequential", op: wire.OpCreateContainer, flags: 3, path: "/x0000000000"},
		{name: "container op, TTL", op: wire.OpCreateContainer, flags: 5, want: wire.BadArguments},
		{name: "container op, no mode", op: wire.OpCreateContainer, flags: 9, want: wire.BadArguments},
		{name: "TTL's flag in create", op: wire.OpCreate, flags: 5, want: wire.BadArguments},
		{name: "TTL's flag in create2", op: wire.OpCreate2, flags: 6, want: wire.BadArguments},
		{name: "no mode", op: wire.OpCreate, flags: 7, want: wire.BadArguments},
		{name: "negative mode", op: wire.OpCreate2, flags: -1, want: wire.BadArguments},
		{name: "TTL", op: wire.OpCreateTTL, flags: 5, ttl: 100000, path: "/x"},
		{name: "longest TTL", op: wire.OpCreateTTL, flags: 6, ttl: 1<<40 - 1, path: "/x0000000000"},
		{name: "TTL too long", op: wire.OpCreateTTL, flags: 5, ttl: 1 << 40, want: wire.BadArguments},
		{name: "TTL of 0", op: wire.OpCreateTTL, flags: 5, want: wire.BadArguments},
		{name: "TTL below 0", op: wire.OpCreateTTL, flags: 5, ttl: -1, want: wire.BadArguments},
		{name: "TTL op, other mode", op: wire.OpCreateTTL, ttl: 5, want: wire.BadArguments},
		{name: "TTL op, other mode, no TTL", op: wire.OpCreateTTL, ttl: -1, want: wire.BadArguments}, // stops Apache ZooKeeper
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, zktest.NewServer(t))
			out, code := c.createAs(tt.op, "/x", tt.flags, tt.ttl)
			if code != tt.want || out.Path != tt.path || out.Stat.EphemeralOwner != 0 {
				t.Errorf("create = %+v, %v; want %s, %v", out, code, tt.path, tt.want)
			}
		})
	}
}

func TestTTLRefusedWhenSwitchedOff(t *testing.T) {
	c := connect(t, zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.NoTTL = true }))
	for _, op := range []wire.Op{wire.OpCreateTTL, wire.OpCreateContainer, wire.OpCreate2} {
		if _, code := c.createAs(op, "/x", wire.FlagPersistentTTL, 0); code != wire.Unimplemented {
			t.Errorf("%v: %v, want unimplemented", op, code)
		}
	}
	if _, code := c.createAs(wire.OpCreateTTL, "/x", wire.FlagPersistent, 5); code != wire.BadArguments {
		t.Errorf("createTTL without a TTL mode: %v, want bad arguments", code)
	}
}
