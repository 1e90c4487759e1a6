package zkserver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// None of them makes a znode, ends the connection, or is in the way of a restart.
func TestTricksWithPathsAreRefused(t *testing.T) {
	s := zktest.NewServer(t)
	good := watchOn(t, s)
	c := connect(t, s)
	c.create("/a", "", 0)
	long := strings.Repeat("x", 500_000)
	paths := []string{"", "a", "//", "/..", "/.", "/a/..", "/a/../b", "/a/.", "/a//b", "/a/", "/\x00", "/a\x00b", "/\xff\xfe", "/\u0085",
		"/\ufffe", "/\U0001F600", "\\a", "/ \x7f", "/../../etc/passwd", "/no/such/parent", "/a/" + long + "/b", "/zookeeper/quota/", "/zookeeper",
		"/zookeeper/quota", "/zookeeper/config", "/"}
	for _, path := range paths {
		shown := path[:min(len(path), 20)]
		for _, flags := range []int32{wire.FlagPersistent, wire.FlagSequential, wire.FlagEphemeral, 6, 99, -1} {
			q := wire.CreateRequest{Path: path, ACL: openACL, Flags: flags}
			// With a number behind it a name may be a good one.
			sound := flags == wire.FlagSequential && (path == "/" || strings.HasPrefix(path, "/a/") || strings.HasSuffix(path, "."))
			if r := c.do(wire.OpCreate, &q, nil); r.Err == wire.OK && !sound && !strings.HasPrefix(path, "/zookeeper") {
				t.Errorf("create %q with flags %d succeeded", shown, flags)
			}
		}
		for op, q := range map[wire.Op]wire.Record{
			wire.OpDelete:  &wire.DeleteRequest{Path: path, Version: 77},
			wire.OpSetData: &wire.SetDataRequest{Path: path, Version: 77},
			wire.OpSetACL:  &wire.SetACLRequest{Path: path, Version: 77, ACL: openACL},
		} {
			if r := c.do(op, q, nil); r.Err == wire.OK {
				t.Errorf("%v of %q succeeded", op, shown)
			}
		}
		reader := connect(t, s) // hears of its watches when nobody listens any more
		for _, op := range []wire.Op{wire.OpGetData, wire.OpExists, wire.OpGetChildren, wire.OpGetChildren2} {
			reader.do(op, &wire.PathWatchRequest{Path: path, Watch: true}, nil)
		}
		reader.do(wire.OpSync, &wire.PathRequest{Path: path}, nil)
		reader.do(wire.OpAddWatch, &wire.AddWatchRequest{Path: path, Mode: wire.AddPersistentRecursive}, nil)
	}
	for _, path := range []string{"/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits", "/zookeeper/quota/a/zookeeper_stats", "/zookeeper/x"} {
		for _, data := range []string{"", "count=-1,bytes=9", "count=\xff", "nonsense", strings.Repeat("9", 1000)} {
			c.do(wire.OpCreate, &wire.CreateRequest{Path: path, Data: []byte(data), ACL: openACL}, nil)
			c.do(wire.OpSetData, &wire.SetDataRequest{Path: path, Data: []byte(data), Version: -1}, nil)
			c.set("/a", data)
		}
	}
	good.wasServed()
	good.lostNothing(s)
}

// As deep as a megabyte of requests makes it, and a name that fills a frame: both
// are watched, counted, saved and deleted like others.
func TestDeepTreesAndLongNamesAreServed(t *testing.T) {
	s := zktest.NewServer(t)
	good := watchOn(t, s)
	c, above := connect(t, s), connect(t, s)
	above.do(wire.OpAddWatch, &wire.AddWatchRequest{Path: "/", Mode: wire.AddPersistentRecursive}, nil)
	const depth = 1000
	path := ""
	var deep wire.MultiRequest
	for range depth {
		path += "/d"
		deep.Ops = append(deep.Ops, wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: path, ACL: nil}})
	}
	for from := 0; from < depth; from += 100 {
		part := wire.MultiRequest{Ops: deep.Ops[from : from+100]}
		for _, op := range part.Ops {
			op.Request.(*wire.CreateRequest).ACL = openACL
		}
		var out wire.MultiResponse
		if r := c.do(wire.OpMulti, &part, &out); r.Err != wire.OK || out.Results[0].Op == wire.OpError {
			t.Fatalf("create from depth %d on: %v", from, r.Err)
		}
	}
	long := "/" + strings.Repeat("n", 1_000_000)
	c.create(long, "", 0)
	var count wire.CountResponse
	if c.do(wire.OpGetAllChildrenNumber, &wire.PathRequest{Path: "/d"}, &count); count.Count != depth-1 {
		t.Errorf("%d znodes below, want %d", count.Count, depth-1)
	}
	seen := 0
	for seen < depth {
		if e := above.event(); strings.HasPrefix(e.Path, "/d") {
			seen++
		}
	}
	good.wasServed()
	good.lostNothing(s)
	c = connect(t, s)
	if !c.exists(path, false) || !c.exists(long, false) {
		t.Error("not there after a restart")
	}
	if r := c.do(wire.OpDelete, &wire.DeleteRequest{Path: long, Version: -1}, nil); r.Err != wire.OK {
		t.Errorf("delete of a name of a megabyte: %v", r.Err)
	}
}

// Many list a wide znode at once, some of whom never take the answer.
func TestWideZnodeListedByManyIsBounded(t *testing.T) {
	width := 20_000 * *hostileScale
	s := zktest.NewServer(t)
	c := connect(t, s)
	c.create("/wide", "", 0)
	for from := 0; from < width; from += 1000 {
		var q wire.MultiRequest
		for i := range 1000 {
			q.Ops = append(q.Ops, wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: fmt.Sprintf("/wide/child-%07d", from+i), ACL: openACL}})
		}
		if r := c.do(wire.OpMulti, &q, nil); r.Err != wire.OK {
			t.Fatal(r.Err)
		}
	}
	good := watchOn(t, s)
	before := heap()
	for range 20 {
		deaf := connect(t, s)
		for range 100 {
			deaf.send(wire.OpGetChildren2, &wire.PathWatchRequest{Path: "/wide"})
		}
	}
	readers := make([]*client, 8)
	for i := range readers {
		readers[i] = connect(t, s)
	}
	var reading sync.WaitGroup
	for _, r := range readers {
		reading.Go(func() {
			for range 3 {
				r.nc.Write(frame(&wire.RequestHeader{Xid: 1, Op: wire.OpGetChildren}, &wire.PathWatchRequest{Path: "/wide"}))
				r.nc.SetReadDeadline(time.Now().Add(2 * time.Minute))
				b, err := wire.ReadFrame(r.br, nil, 64<<20)
				if err != nil || len(b) < 16*width {
					t.Errorf("a listing of %d bytes, %v", len(b), err)
					return
				}
			}
		})
	}
	reading.Wait()
	// 2,000 listings were asked for by those who take none.
	if grown, one := heap()-before, int64(width*17); grown > 20*4*one+(64<<20) {
		t.Errorf("%d MiB more in use for 20 clients with listings of %d kB", grown>>20, one>>10)
	} else {
		t.Logf("%d MiB more in use for 20 clients with listings of %d kB", grown>>20, one>>10)
	}
	good.wasServed()
}

func TestOddMultisAreAnswered(t *testing.T) {
	s := zktest.NewServer(t)
	good := watchOn(t, s)
	c := connect(t, s)
	c.create("/a", "", 0)
	check := wire.MultiOp{Op: wire.OpCheck, Request: &wire.CheckRequest{Path: "/a", Version: -1}}
	var many wire.MultiRequest
	for range 10_000 {
		many.Ops = append(many.Ops, check)
	}
	if r := c.do(wire.OpMulti, &many, nil); r.Err != wire.OK {
		t.Errorf("multi of 10,000: %v", r.Err)
	}
	many.Ops = append(many.Ops, check)
	if r := c.do(wire.OpMulti, &many, nil); r.Err == wire.OK {
		t.Error("multi of 10,001 is done")
	}
	if r := c.do(wire.OpMulti, &wire.MultiRequest{}, nil); r.Err != wire.OK {
		t.Errorf("empty multi: %v", r.Err)
	}
	// Every op, also those that make no sense there, by itself inside each of the two.
	for op := wire.Op(-12); op < 110; op++ {
		for _, outer := range []wire.Op{wire.OpMulti, wire.OpMultiRead} {
			c := connect(t, s)
			b, start := wire.BeginFrame(nil)
			h := wire.RequestHeader{Xid: 1, Op: outer}
			b = h.Append(b)
			b = append(b, byte(op>>24), byte(op>>16), byte(op>>8), byte(op), 0, 0xff, 0xff, 0xff, 0xff) // of MultiHeader
			if q := wire.NewRequest(op); q != nil {
				b = q.Append(b)
			}
			c.write(wire.EndFrame(b, start))
			c.nc.Close()
		}
	}
	good.wasServed()
	good.lostNothing(s)
}
