package zkserver_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func (c *client) wantEvent(typ wire.EventType, path string) {
	c.t.Helper()
	e := c.event()
	if e.Type != typ || e.Path != path || e.State != wire.StateSyncConnected {
		c.t.Fatalf("event %+v, want type %d on %s", e, typ, path)
	}
}

func (c *client) children(path string, watch bool) []string {
	c.t.Helper()
	var out wire.ChildrenResponse
	c.do(wire.OpGetChildren, &wire.PathWatchRequest{Path: path, Watch: watch}, &out)
	return out.Children
}

func (c *client) delete(path string) {
	c.t.Helper()
	if r := c.do(wire.OpDelete, &wire.DeleteRequest{Path: path, Version: -1}, nil); r.Err != wire.OK {
		c.t.Fatalf("delete %s: %v", path, r.Err)
	}
}

func TestWatchFiresOnce(t *testing.T) {
	s := zktest.NewServer(t)
	c, other := connect(t, s), connect(t, s)
	other.create("/a", "0", 0)
	c.get("/a", true)
	other.set("/a", "1")
	c.wantEvent(wire.EventDataChanged, "/a")
	other.set("/a", "2")
	c.ping() // fails on an event
}

func TestEventComesBeforeTheReplyOfItsOwnWrite(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.exists("/a", true)
	c.send(wire.OpCreate, &wire.CreateRequest{Path: "/a", ACL: openACL})
	c.wantEvent(wire.EventCreated, "/a")
	if r := c.reply(); r.Xid != c.xid {
		t.Errorf("after the event: %+v", r.ReplyHeader)
	}
}

// "A client will see the watch event for a znode it is watching before seeing
// the new data that corresponds to that znode" (Programmer's Guide, "Watches").
func TestEventComesBeforeTheNewData(t *testing.T) {
	s := zktest.NewServer(t)
	writer, c := connect(t, s), connect(t, s)
	writer.create("/a", "0", 0)
	for i := range 200 {
		old, next := fmt.Sprint(i), fmt.Sprint(i+1)
		if data, _, _ := c.get("/a", true); data != old {
			t.Fatalf("data = %q, want %q", data, old)
		}
		writer.send(wire.OpSetData, &wire.SetDataRequest{Path: "/a", Data: []byte(next), Version: -1})
		for data, fired := old, false; data != next; {
			c.send(wire.OpGetData, &wire.PathWatchRequest{Path: "/a", Watch: true})
			r := c.reply()
			if r.Xid == wire.XidWatch {
				fired = true
				r = c.reply()
			}
			var out wire.GetDataResponse
			c.decode(r.body, &out)
			if data = string(out.Data); data == next && !fired {
				t.Fatalf("read %q before the event", data)
			}
		}
		writer.reply()
	}
}

func TestDeleteFiresOneEventForAllWatchesOfAZnode(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/p", "", 0)
	c.create("/p/a", "", 0)
	c.get("/p/a", true)
	c.exists("/p/a", true)
	c.children("/p/a", true)
	c.children("/p", true)
	c.send(wire.OpDelete, &wire.DeleteRequest{Path: "/p/a", Version: -1})
	c.wantEvent(wire.EventDeleted, "/p/a")
	c.wantEvent(wire.EventChildrenChanged, "/p")
	c.reply()
	c.ping()
}

func TestGetDataOfNothingSetsNoWatch(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.get("/a", true)
	c.children("/a", true)
	c.create("/a", "", 0) // fails on an event
}

func TestWatchesEndWithTheConnection(t *testing.T) {
	s := zktest.NewServer(t)
	old := connect(t, s)
	old.create("/a", "", 0)
	old.get("/a", true)
	c, _ := reconnect(t, s, old)
	c.set("/a", "x") // fails on an event
}

func TestExpiryFiresWatches(t *testing.T) {
	s := zktest.NewServer(t)
	owner, c := connect(t, s), connect(t, s)
	owner.create("/e", "", wire.FlagEphemeral)
	c.get("/e", true)
	owner.do(wire.OpCloseSession, &wire.Empty{}, nil)
	c.wantEvent(wire.EventDeleted, "/e")
}

func TestSetWatchesTellsWhatWasMissed(t *testing.T) {
	s := zktest.NewServer(t)
	c := connect(t, s)
	for _, path := range []string{"/same", "/changed", "/deleted", "/parent", "/quiet"} {
		c.create(path, "", 0)
	}
	seen := c.ping().Zxid
	c.set("/changed", "x")
	c.delete("/deleted")
	c.create("/new", "", 0)
	c.create("/parent/child", "", 0)

	c, _ = reconnect(t, s, c)
	c.write(frame(&wire.RequestHeader{Xid: wire.XidSetWatches, Op: wire.OpSetWatches}, &wire.SetWatchesRequest{
		RelativeZxid: seen,
		Data:         []string{"/same", "/changed", "/deleted"},
		Exist:        []string{"/new", "/never"},
		Child:        []string{"/parent", "/quiet", "/gone"},
	}))
	c.wantEvent(wire.EventDataChanged, "/changed")
	c.wantEvent(wire.EventDeleted, "/deleted")
	c.wantEvent(wire.EventCreated, "/new")
	c.wantEvent(wire.EventChildrenChanged, "/parent")
	c.wantEvent(wire.EventDeleted, "/gone")
	if r := c.reply(); r.Xid != wire.XidSetWatches || r.Err != wire.OK {
		t.Fatalf("setWatches: %+v", r.ReplyHeader)
	}

	// What was not missed is watched.
	other := connect(t, s)
	other.set("/same", "x")
	c.wantEvent(wire.EventDataChanged, "/same")
	other.create("/never", "", 0)
	c.wantEvent(wire.EventCreated, "/never")
	other.create("/quiet/child", "", 0)
	c.wantEvent(wire.EventChildrenChanged, "/quiet")
	c.ping()
}

// CVE-2026-59739: setWatches told anyone what happened to any znode.
func TestSetWatchesTellsNothingOfAZnodeThatMayNotBeRead(t *testing.T) {
	s := zktest.NewServer(t)
	owner := connect(t, s)
	owner.auth("digest", "owner:x")
	owner.create("/secret", "", 0)
	owner.setACL("/secret", wire.ACL{Perms: wire.PermAll, Scheme: "auth"})

	c := connect(t, s)
	c.write(frame(&wire.RequestHeader{Xid: wire.XidSetWatches, Op: wire.OpSetWatches2}, &wire.SetWatches2Request{
		SetWatchesRequest:   wire.SetWatchesRequest{Data: []string{"/secret"}, Child: []string{"/secret"}},
		Persistent:          []string{"/secret"},
		PersistentRecursive: []string{"/secret"},
	}))
	if r := c.reply(); r.Xid != wire.XidSetWatches {
		t.Fatalf("got %+v, want the reply to setWatches", r.ReplyHeader)
	}
	owner.set("/secret", "1")
	owner.create("/secret/child", "", 0)
	c.ping()
}

func TestPersistentWatchStays(t *testing.T) {
	s := zktest.NewServer(t)
	c, other := connect(t, s), connect(t, s)
	var added wire.ErrorResponse
	for path, mode := range map[string]int32{"/p": wire.AddPersistent, "/r": wire.AddPersistentRecursive} {
		if r := c.do(wire.OpAddWatch, &wire.AddWatchRequest{Path: path, Mode: mode}, &added); r.Err != wire.OK {
			t.Fatalf("addWatch: %v", r.Err)
		}
	}
	if r := c.do(wire.OpAddWatch, &wire.AddWatchRequest{Path: "/p", Mode: 2}, nil); r.Err != wire.MarshallingError {
		t.Errorf("addWatch of mode 2: %v, want marshalling error", r.Err)
	}

	other.create("/p", "", 0)
	c.wantEvent(wire.EventCreated, "/p")
	other.create("/p/c", "", 0)
	c.wantEvent(wire.EventChildrenChanged, "/p")
	other.set("/p", "x")
	c.wantEvent(wire.EventDataChanged, "/p")
	other.create("/r", "", 0)
	c.wantEvent(wire.EventCreated, "/r")
	other.create("/r/a", "", 0)
	c.wantEvent(wire.EventCreated, "/r/a")
	c.ping()
}

func TestRemoveWatches(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/a", "", 0)
	remove := func(op wire.Op, path string, kind int32) wire.Code {
		t.Helper()
		return c.do(op, &wire.RemoveWatchesRequest{Path: path, Type: kind}, nil).Err
	}
	c.get("/a", true)
	c.children("/a", true)
	steps := []struct {
		op   wire.Op
		kind int32
		want wire.Code
	}{
		{wire.OpCheckWatches, wire.WatchData, wire.OK},
		{wire.OpRemoveWatches, wire.WatchData, wire.OK},
		{wire.OpCheckWatches, wire.WatchData, wire.NoWatcher},
		{wire.OpRemoveWatches, wire.WatchData, wire.NoWatcher},
		{wire.OpRemoveWatches, wire.WatchAny, wire.OK},
		{wire.OpCheckWatches, wire.WatchChildren, wire.NoWatcher},
		{wire.OpRemoveWatches, 0, wire.MarshallingError},
		{wire.OpRemoveWatches, 9, wire.MarshallingError},
	}
	for i, step := range steps {
		if got := remove(step.op, "/a", step.kind); got != step.want {
			t.Errorf("step %d, %v of kind %d: %v, want %v", i, step.op, step.kind, got, step.want)
		}
	}
	c.set("/a", "x") // fails on an event
}

// Both lock connections and watches; in another order each would wait for the
// other for ever.
func TestServerIsAskedForTotalsWhileWatchesAreSet(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Words = []string{"*"} })
	watcher := connect(t, s)
	var asking sync.WaitGroup
	asking.Go(func() {
		for i := range 200 {
			c := dial(t, s)
			c.nc.Write([]byte([]string{"srvr", "mntr", "stat", "cons", "dump", "wchp", "crst", "srst"}[i%8]))
			if b, err := readAll(c); err != nil || len(b) == 0 {
				t.Errorf("word %d: %d bytes, %v", i, len(b), err)
				return
			}
			c.nc.Close()
		}
	})
	for i := range 3000 {
		watcher.exists(fmt.Sprintf("/%d", i), true)
	}
	asking.Wait()
}
