package zkserver_test

import (
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestMultiDoesAll(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	q := wire.MultiRequest{Ops: []wire.MultiOp{
		{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: "/m", ACL: openACL}},
		{Op: wire.OpCreate2, Request: &wire.CreateRequest{Path: "/m/s-", ACL: openACL, Flags: wire.FlagSequential}},
		{Op: wire.OpSetData, Request: &wire.SetDataRequest{Path: "/m", Data: []byte("xyz"), Version: 0}},
		{Op: wire.OpCheck, Request: &wire.CheckRequest{Path: "/m", Version: 1}},
		{Op: wire.OpDelete, Request: &wire.DeleteRequest{Path: "/m/s-0000000000", Version: -1}},
	}}
	var out wire.MultiResponse
	r := c.do(wire.OpMulti, &q, &out)
	if r.Err != wire.OK || len(out.Results) != len(q.Ops) {
		t.Fatalf("multi = %v, %d results", r.Err, len(out.Results))
	}
	if got := out.Results[0].Reply.(*wire.CreateResponse).Path; got != "/m" {
		t.Errorf("create made %q", got)
	}
	// In a multi create2 is answered as create is.
	if got := out.Results[1].Reply.(*wire.CreateResponse).Path; got != "/m/s-0000000000" {
		t.Errorf("create2 made %q", got)
	}
	if got := out.Results[2].Reply.(*wire.StatResponse).Stat; got.Version != 1 || got.Mzxid != r.Zxid {
		t.Errorf("setData = %+v", got)
	}
	if data, _, _ := c.get("/m", false); data != "xyz" {
		t.Errorf("data = %q", data)
	}
}

func TestMultiDoesNothingWhenOneOperationFails(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	q := wire.MultiRequest{Ops: []wire.MultiOp{
		{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: "/m", ACL: openACL}},
		{Op: wire.OpCheck, Request: &wire.CheckRequest{Path: "/m", Version: 4}},
		{Op: wire.OpDelete, Request: &wire.DeleteRequest{Path: "/m", Version: -1}},
		{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: "/n", ACL: openACL, Flags: 77}},
	}}
	var out wire.MultiResponse
	r := c.do(wire.OpMulti, &q, &out)
	if r.Err != wire.OK {
		t.Fatalf("multi: header has %v, want ok", r.Err)
	}
	want := []wire.Code{wire.OK, wire.BadVersion, wire.RuntimeInconsistency, wire.RuntimeInconsistency}
	for i, res := range out.Results {
		if res.Op != wire.OpError || res.Err() != want[i] {
			t.Errorf("result %d is %v %v, want error %v", i, res.Op, res.Err(), want[i])
		}
	}
	if c.exists("/m", false) {
		t.Error("/m was created")
	}
}

// The flags decide what a create in a multi is, and not its op.
func TestCreatesInAMulti(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	create := wire.CreateRequest{Path: "/m-", ACL: openACL}
	tests := []struct {
		name  string
		op    wire.Op
		flags int32
		multi wire.Code // in the header
		part  wire.Code
	}{
		{"create2", wire.OpCreate2, wire.FlagSequential, wire.OK, wire.OK},
		{"container op, other mode", wire.OpCreateContainer, wire.FlagSequential, wire.OK, wire.OK},
		{"TTL op, other mode", wire.OpCreateTTL, wire.FlagSequential, wire.OK, wire.OK},
		{"TTL mode, other op", wire.OpCreate, wire.FlagPersistentTTL, wire.MarshallingError, 0},
		{"no such mode", wire.OpCreate, 77, wire.OK, wire.BadArguments},
		{"container", wire.OpCreateContainer, wire.FlagContainer, wire.OK, wire.OK},
		{"container again", wire.OpCreate, wire.FlagContainer, wire.OK, wire.NodeExists},
		{"TTL", wire.OpCreateTTL, wire.FlagPersistentSequentialTTL, wire.OK, wire.OK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			create.Flags = tt.flags
			part := wire.MultiOp{Op: tt.op, Request: &create}
			if tt.op == wire.OpCreateTTL {
				part.Request = &wire.CreateTTLRequest{Path: create.Path, ACL: openACL, Flags: tt.flags, TTL: 1000}
			}
			var out wire.MultiResponse
			r := c.do(wire.OpMulti, &wire.MultiRequest{Ops: []wire.MultiOp{part}}, &out)
			if r.Err != tt.multi {
				t.Fatalf("multi: %v, want %v", r.Err, tt.multi)
			}
			if r.Err == wire.OK && out.Results[0].Err() != tt.part {
				t.Errorf("create: %v, want %v", out.Results[0].Err(), tt.part)
			}
		})
	}
}

func TestEmptyMultiIsLegal(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	var out wire.MultiResponse
	if r := c.do(wire.OpMulti, &wire.MultiRequest{}, &out); r.Err != wire.OK || len(out.Results) != 0 {
		t.Errorf("empty multi = %v, %d results", r.Err, len(out.Results))
	}
}

func TestMultiWithAReadDoesNotDecode(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	q := wire.MultiRequest{Ops: []wire.MultiOp{{Op: wire.OpGetData, Request: &wire.PathWatchRequest{Path: "/"}}}}
	if r := c.do(wire.OpMulti, &q, nil); r.Err != wire.MarshallingError {
		t.Errorf("code = %v, want marshalling error", r.Err)
	}
}

func TestMultiReadGoesOnAfterAnError(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/a", "one", 0)
	q := wire.MultiRequest{Ops: []wire.MultiOp{
		{Op: wire.OpGetData, Request: &wire.PathWatchRequest{Path: "/nothing"}},
		{Op: wire.OpGetData, Request: &wire.PathWatchRequest{Path: "/a"}},
		{Op: wire.OpGetChildren, Request: &wire.PathWatchRequest{Path: "/zookeeper"}},
	}}
	var out wire.MultiResponse
	if r := c.do(wire.OpMultiRead, &q, &out); r.Err != wire.OK || len(out.Results) != 3 {
		t.Fatalf("multiRead = %v, %d results", r.Err, len(out.Results))
	}
	if got := out.Results[0].Err(); got != wire.NoNode {
		t.Errorf("first = %v, want no node", got)
	}
	if got := string(out.Results[1].Reply.(*wire.GetDataResponse).Data); got != "one" {
		t.Errorf("second = %q", got)
	}
	if got := out.Results[2].Reply.(*wire.ChildrenResponse).Children; len(got) != 2 {
		t.Errorf("third = %q", got)
	}
}
