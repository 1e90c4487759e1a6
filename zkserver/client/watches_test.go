package client

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

func TestOneShotWatchesAreHeardOnce(t *testing.T) {
	tests := []struct {
		name  string
		asked watchAsked
		code  wire.Code
		event wire.EventType
		path  string
		want  [2]bool // heard the first time, the second
	}{
		{"exists of nothing", watchAsked{op: wire.OpExists, path: "/a"}, wire.NoNode, wire.EventCreated, "/a", [2]bool{true, false}},
		{"get of nothing sets none", watchAsked{op: wire.OpGetData, path: "/a"}, wire.NoNode, wire.EventCreated, "/a", [2]bool{}},
		{"children hear of their parent's end", watchAsked{op: wire.OpGetChildren2, path: "/a"}, wire.OK, wire.EventDeleted, "/a", [2]bool{true, false}},
		{"data does not hear of children", watchAsked{op: wire.OpGetData, path: "/a"}, wire.OK, wire.EventChildrenChanged, "/a", [2]bool{}},
		{"persistent stays", watchAsked{op: wire.OpAddWatch, path: "/a"}, wire.OK, wire.EventDataChanged, "/a", [2]bool{true, true}},
		{"persistent is of one znode", watchAsked{op: wire.OpAddWatch, path: "/a"}, wire.OK, wire.EventDataChanged, "/a/b", [2]bool{}},
		{"recursive reaches down", watchAsked{op: wire.OpAddWatch, path: "/a", kind: wire.AddPersistentRecursive}, wire.OK, wire.EventCreated, "/a/b/c", [2]bool{true, true}},
		{"recursive from the root", watchAsked{op: wire.OpAddWatch, path: "/", kind: wire.AddPersistentRecursive}, wire.OK, wire.EventCreated, "/a", [2]bool{true, true}},
		{"recursive stops at names", watchAsked{op: wire.OpAddWatch, path: "/a", kind: wire.AddPersistentRecursive}, wire.OK, wire.EventCreated, "/ab", [2]bool{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWatches()
			w.answered(tt.asked, tt.code)
			e := wire.WatcherEvent{Type: tt.event, Path: tt.path}
			if got := [2]bool{w.fired(e), w.fired(e)}; got != tt.want {
				t.Errorf("heard %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRemovedWatchesAreNamed(t *testing.T) {
	w := newWatches()
	for _, op := range []wire.Op{wire.OpGetData, wire.OpGetChildren, wire.OpAddWatch} {
		w.answered(watchAsked{op: op, path: "/a"}, wire.OK)
	}
	steps := []struct {
		kind int32
		want []wire.EventType
	}{
		{wire.WatchChildren, []wire.EventType{wire.EventChildWatchRemoved}},
		{wire.WatchChildren, nil},
		{wire.WatchAny, []wire.EventType{wire.EventDataWatchRemoved, wire.EventPersistentWatchRemoved}},
		{wire.WatchAny, nil},
	}
	for i, s := range steps {
		if got := w.answered(watchAsked{op: wire.OpRemoveWatches, path: "/a", kind: s.kind}, wire.OK); !slices.Equal(got, s.want) {
			t.Errorf("step %d: gone %v, want %v", i, got, s.want)
		}
	}
}

// Ten thousand watches are told to a new connection in frames that a server takes.
func TestManyWatchesAreSetInPieces(t *testing.T) {
	w := newWatches()
	for i := range 10_000 {
		w.answered(watchAsked{op: wire.OpGetData, path: fmt.Sprintf("/a/very/long/path/%040d", i)}, wire.OK)
	}
	w.answered(watchAsked{op: wire.OpAddWatch, path: "/p"}, wire.OK)
	total, kinds := 0, map[wire.Op]int{}
	for _, r := range w.requests(7) {
		if n := len(r.body.Append(nil)); n > 2*resetBytes {
			t.Errorf("a setWatches of %d bytes", n)
		}
		kinds[r.op]++
		switch b := r.body.(type) {
		case *wire.SetWatchesRequest:
			total += len(b.Data)
		case *wire.SetWatches2Request:
			total += len(b.Data) + len(b.Persistent)
		}
	}
	if total != 10_001 || kinds[wire.OpSetWatches2] != 1 || kinds[wire.OpSetWatches] < 4 {
		t.Errorf("%d paths in %v", total, kinds)
	}
}

// FuzzReceive holds that no frame of a server makes the read loop panic.
func FuzzReceive(f *testing.F) {
	header := func(xid int32, code wire.Code, body ...byte) []byte {
		return append((&wire.ReplyHeader{Xid: xid, Zxid: 9, Err: code}).Append(nil), body...)
	}
	f.Add(header(1, wire.OK), byte(0))
	f.Add(header(wire.XidPing, wire.OK), byte(1))
	f.Add(header(wire.XidAuth, wire.AuthFailed), byte(2))
	f.Add((&wire.WatcherEvent{Type: wire.EventDeleted, Path: "/a"}).Append(header(wire.XidWatch, wire.OK)), byte(3))
	ops := []wire.Op{wire.OpGetData, wire.OpAuth, wire.OpMulti, wire.OpGetChildren2, wire.OpRemoveWatches}
	f.Fuzz(func(t *testing.T, frame []byte, which byte) {
		c, err := New(Config{Servers: []string{"a:1"}})
		if err != nil {
			t.Fatal(err)
		}
		l := newLink(c, nil)
		op := ops[int(which)%len(ops)]
		answers := 0
		c.slots <- struct{}{}
		l.queue(&Call{Op: op, Request: wire.NewRequest(op), Reply: wire.NewReply(op), Done: func(*Call) { answers++ }})
		_ = l.receive(frame)
		l.failAll(ErrConnectionLost)
		if answers != 1 || len(c.slots) != 0 {
			t.Errorf("%d answers, %d slots taken", answers, len(c.slots))
		}
	})
}
