package zkserver_test

import (
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestSetWatchesStopsAtANullList: what comes before it counts.
func TestSetWatchesStopsAtANullList(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/a", "", 0)
	request := frame(&wire.RequestHeader{Xid: wire.XidSetWatches, Op: wire.OpSetWatches},
		&wire.SetWatchesRequest{RelativeZxid: 1 << 60, Data: []string{"/a"}, Exist: []string{"/a"}})
	copy(request[len(request)-4:], "\xff\xff\xff\xff") // the child watches
	c.write(request)
	if e := c.event(); e.Type != wire.EventCreated || e.Path != "/a" {
		t.Errorf("event = %+v, want created", e)
	}
	if r := c.reply(); r.Err != wire.MarshallingError {
		t.Errorf("setWatches: %v, want marshalling error", r.Err)
	}
	xid := c.send(wire.OpSetData, &wire.SetDataRequest{Path: "/a", Version: -1})
	if e := c.event(); e.Type != wire.EventDataChanged {
		t.Errorf("event = %+v, want data changed", e)
	}
	if r := c.reply(); r.Xid != xid || r.Err != wire.OK {
		t.Errorf("set: %+v", r.ReplyHeader)
	}
}

func TestPingIsAnsweredWithItsOwnXid(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.write(frame(&wire.RequestHeader{Xid: 7, Op: wire.OpPing}))
	if r := c.reply(); r.Xid != wire.XidPing || r.Err != wire.OK {
		t.Errorf("reply = %+v, want xid -2", r.ReplyHeader)
	}
}
