package zkserver_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestCreateModes(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	tests := []struct {
		flags     int32
		path      string
		want      string
		ephemeral bool
	}{
		{wire.FlagPersistent, "/p", "/p", false},
		{wire.FlagEphemeral, "/e", "/e", true},
		{wire.FlagSequential, "/s-", "/s-0000000002", false},
		{wire.FlagEphemeralSequential, "/es-", "/es-0000000003", true},
	}
	for _, tt := range tests {
		q := wire.CreateRequest{Path: tt.path, Data: []byte("d"), ACL: openACL, Flags: tt.flags}
		var out wire.Create2Response
		r := c.do(wire.OpCreate2, &q, &out)
		if r.Err != wire.OK || out.Path != tt.want {
			t.Errorf("create2 %s = %q, %v, want %q", tt.path, out.Path, r.Err, tt.want)
		}
		if out.Stat.Czxid != r.Zxid || out.Stat.DataLength != 1 {
			t.Errorf("create2 %s: stat %+v in a reply of zxid %d", tt.path, out.Stat, r.Zxid)
		}
		if owned := out.Stat.EphemeralOwner == c.conn.SessionID; owned != tt.ephemeral {
			t.Errorf("create2 %s: owner %#x, session %#x", tt.path, out.Stat.EphemeralOwner, c.conn.SessionID)
		}
	}
}

func TestErrorsHaveTheirCodesAndTakeAZxid(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/p", "", 0)
	c.create("/p/c", "", 0)
	c.create("/e", "", wire.FlagEphemeral)
	create := func(path string, acl []wire.ACL, flags int32) wire.Record {
		return &wire.CreateRequest{Path: path, ACL: acl, Flags: flags}
	}
	tests := []struct {
		name string
		op   wire.Op
		body wire.Record
		want wire.Code
	}{
		{"exists already", wire.OpCreate, create("/p", openACL, 0), wire.NodeExists},
		{"no parent", wire.OpCreate, create("/q/c", openACL, 0), wire.NoNode},
		{"child of an ephemeral", wire.OpCreate, create("/e/c", openACL, 0), wire.NoChildrenForEphemerals},
		{"null ACL", wire.OpCreate, create("/q", nil, 0), wire.InvalidACL},
		{"no slash", wire.OpCreate, create("q", openACL, 0), wire.BadArguments},
		{"TTL mode in create", wire.OpCreate, create("/q", openACL, wire.FlagPersistentTTL), wire.BadArguments},
		{"no such mode", wire.OpCreate, create("/q", openACL, 99), wire.BadArguments},
		{"delete with children", wire.OpDelete, &wire.DeleteRequest{Path: "/p", Version: -1}, wire.NotEmpty},
		{"delete of another version", wire.OpDelete, &wire.DeleteRequest{Path: "/p", Version: 7}, wire.BadVersion},
		{"delete of nothing", wire.OpDelete, &wire.DeleteRequest{Path: "/q", Version: -1}, wire.NoNode},
		{"set of another version", wire.OpSetData, &wire.SetDataRequest{Path: "/p", Version: -2}, wire.BadVersion},
		{"set ACL of nothing", wire.OpSetACL, &wire.SetACLRequest{Path: "/q", ACL: openACL}, wire.NoNode},
		{"check of another version", wire.OpCheck, &wire.CheckRequest{Path: "/p", Version: 1}, wire.BadVersion},
		{"check that holds", wire.OpCheck, &wire.CheckRequest{Path: "/p", Version: 0}, wire.OK},
		{"no body", wire.OpCreate, &wire.Empty{}, wire.MarshallingError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := c.ping().Zxid
			r := c.do(tt.op, tt.body, nil)
			if r.Err != tt.want || len(r.body) > 0 {
				t.Errorf("code = %v with a body of %d bytes, want %v with none", r.Err, len(r.body), tt.want)
			}
			if r.Zxid != before+1 {
				t.Errorf("zxid = %#x, the last was %#x", r.Zxid, before)
			}
		})
	}
}

func TestReadsShowTheLastZxid(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/a", "x", 0)
	last := c.do(wire.OpDelete, &wire.DeleteRequest{Path: "/nothing"}, nil).Zxid
	for _, op := range []wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren2} {
		for _, path := range []string{"/a", "/nothing"} {
			if r := c.do(op, &wire.PathWatchRequest{Path: path}, nil); r.Zxid != last {
				t.Errorf("%v %s: zxid %#x, want %#x", op, path, r.Zxid, last)
			}
		}
	}
	if r := c.ping(); r.Zxid != last || r.Xid != wire.XidPing {
		t.Errorf("ping: %+v, want zxid %#x", r.ReplyHeader, last)
	}
}

func TestNullDataStaysNull(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	for path, data := range map[string][]byte{"/null": nil, "/empty": {}} {
		c.do(wire.OpCreate, &wire.CreateRequest{Path: path, Data: data, ACL: openACL}, nil)
		var out wire.GetDataResponse
		c.do(wire.OpGetData, &wire.PathWatchRequest{Path: path}, &out)
		if (out.Data == nil) != (data == nil) || out.Stat.DataLength != 0 {
			t.Errorf("%s: data is null: %v, length %d", path, out.Data == nil, out.Stat.DataLength)
		}
	}
}

func TestReads(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/a", "one", 0)
	c.create("/a/b", "", 0)
	c.create("/a/c", "", wire.FlagEphemeral)
	c.create("/a/c2", "", wire.FlagEphemeral)

	var children wire.ChildrenResponse
	c.do(wire.OpGetChildren, &wire.PathWatchRequest{Path: "/a"}, &children)
	slices.Sort(children.Children)
	if diff := cmp.Diff([]string{"b", "c", "c2"}, children.Children); diff != "" {
		t.Errorf("getChildren (-want +got):\n%s", diff)
	}
	var children2 wire.Children2Response
	c.do(wire.OpGetChildren2, &wire.PathWatchRequest{Path: "/a"}, &children2)
	if len(children2.Children) != 3 || children2.Stat.NumChildren != 3 {
		t.Errorf("getChildren2 = %+v, want 3 children", children2)
	}
	var eph wire.ChildrenResponse
	c.do(wire.OpGetEphemerals, &wire.PathRequest{Path: "/a/c2"}, &eph)
	if diff := cmp.Diff([]string{"/a/c2"}, eph.Children); diff != "" {
		t.Errorf("getEphemerals (-want +got):\n%s", diff)
	}
	var count wire.CountResponse
	if c.do(wire.OpGetAllChildrenNumber, &wire.PathRequest{Path: "/"}, &count); count.Count != 7 {
		t.Errorf("getAllChildrenNumber = %d, want 7", count.Count)
	}
	var sync wire.PathResponse
	if r := c.do(wire.OpSync, &wire.PathRequest{Path: "no path at all"}, &sync); r.Err != wire.OK || sync.Path != "no path at all" {
		t.Errorf("sync = %+v, %v", sync, r.Err)
	}
	if r := c.do(wire.OpGetData, &wire.PathWatchRequest{Path: ""}, nil); r.Err != wire.OK {
		t.Errorf("getData of the empty path: %v, want the root", r.Err)
	}
	if r := c.do(wire.OpGetData, &wire.Empty{}, nil); r.Err != wire.MarshallingError {
		t.Errorf("getData without a body: %v, want marshalling error", r.Err)
	}
}

// Refused or not, they take a zxid, and the connection goes on.
func TestOpsThatNoClientMayUse(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	tests := []struct {
		op   wire.Op
		want wire.Code
	}{{wire.OpDeleteContainer, wire.BadArguments}, {wire.OpReconfig, wire.ReconfigDisabled}}
	for _, tt := range tests {
		before := c.ping().Zxid
		if r := c.do(tt.op, wire.NewRequest(tt.op), nil); r.Err != tt.want || r.Zxid != before+1 {
			t.Errorf("%v: %v at %#x, want %v at %#x", tt.op, r.Err, r.Zxid, tt.want, before+1)
		}
	}
	c.ping()
}

func TestReconfigThatDoesNotDecodeTakesNoZxid(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	before := c.ping().Zxid
	if r := c.do(wire.OpReconfig, &wire.Empty{}, nil); r.Err != wire.MarshallingError || r.Zxid != before {
		t.Errorf("%v at %#x, want marshalling error at %#x", r.Err, r.Zxid, before)
	}
}

func TestSASLIsAnsweredWithNoToken(t *testing.T) {
	s := zktest.NewServer(t)
	c := connect(t, s)
	out := wire.SASLResponse{Token: []byte("x")}
	if r := c.do(wire.OpSASL, &wire.SASLRequest{Token: []byte("x")}, &out); r.Err != wire.OK || r.Zxid != 0 || out.Token != nil {
		t.Errorf("sasl = %q, %+v; want null, ok with zxid 0", out.Token, r.ReplyHeader)
	}
	c.ping()
	c.send(wire.OpSASL, &wire.SASLRequest{})
	c.closed()
}

func TestUnknownOpIsAnsweredAndThenTheEnd(t *testing.T) {
	s := zktest.NewServer(t)
	for _, op := range []wire.Op{99, 0, -1, -10, -100, 1 << 30} {
		t.Run(fmt.Sprint(op), func(t *testing.T) {
			c := connect(t, s)
			r := c.do(op, &wire.Empty{}, nil)
			if r.Err != wire.Unimplemented || r.Zxid != -1 {
				t.Errorf("reply = %+v, want unimplemented with zxid -1", r.ReplyHeader)
			}
			c.closed()
		})
	}
}

func TestAnswersBeforeTheEndAreNotLost(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	var burst []byte
	burst = append(burst, c.request(wire.OpCreate, &wire.CreateRequest{Path: "/a", ACL: openACL})...)
	burst = append(burst, c.request(wire.OpGetData, &wire.PathWatchRequest{Path: "/a"})...)
	burst = append(burst, c.request(wire.OpCloseSession, &wire.Empty{})...)
	burst = append(burst, c.request(wire.OpCreate, &wire.CreateRequest{Path: "/late", ACL: openACL})...)
	c.write(burst)
	for xid := int32(1); xid <= 3; xid++ {
		if r := c.reply(); r.Xid != xid || r.Err != wire.OK {
			t.Errorf("reply %d: %+v", xid, r.ReplyHeader)
		}
	}
	c.closed()
}
