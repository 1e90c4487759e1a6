package zkserver

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// named is an ACL that names somebody.
func named(name string) []wire.ACL {
	return []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}, {Perms: wire.PermAll, Scheme: "x509", ID: name}}
}

func requestFrame(op wire.Op, body wire.Record) []byte {
	return body.Append((&wire.RequestHeader{Xid: 1, Op: op}).Append(nil))
}

// TestCommandOfAnEarlierProgramHasTheOutcomeItHad: such a one took XX=x for a name,
// and put it into its log like this.
func TestCommandOfAnEarlierProgramHasTheOutcomeItHad(t *testing.T) {
	data, err := hex.DecodeString("06" + "0000000000000005" + "00000000" + "00" + "00" +
		"00000001" + "00000007" + "00000001" + hex.EncodeToString([]byte("/")) +
		"00000001" + "0000001f" + "00000004" + hex.EncodeToString([]byte("x509")) + "00000004" + hex.EncodeToString([]byte("XX=x")) + "ffffffff")
	if err != nil {
		t.Fatal(err)
	}
	b := newRig(t)
	b.replica.sessions.Create(5, 1)
	b.replica.Apply(ensemble.Batch{Term: 1, Time: 1000, Commands: []ensemble.Command{{Data: data}}})
	_, stat, err := b.replica.tree.Get("/", []tree.ID{{Scheme: "super"}})
	if err != nil || stat.Aversion != 1 {
		t.Errorf("%+v, %v: the ACL was refused", stat, err)
	}
}

// TestNameThatIsNoneIsRefusedWhereItIsTakenIn, wherever an ACL may stand, and at its
// place among the parts of a multi.
func TestNameThatIsNoneIsRefusedWhereItIsTakenIn(t *testing.T) {
	create := func(name string) wire.Record { return &wire.CreateRequest{Path: "/a", ACL: named(name)} }
	ttl := func(name string) *wire.CreateTTLRequest {
		return &wire.CreateTTLRequest{Path: "/t", ACL: named(name), Flags: wire.FlagPersistentTTL, TTL: 1000}
	}
	for op, body := range map[wire.Op]func(name string) wire.Record{
		wire.OpCreate: create, wire.OpCreate2: create, wire.OpCreateContainer: create,
		wire.OpCreateTTL: func(name string) wire.Record { return ttl(name) },
		wire.OpSetACL:    func(name string) wire.Record { return &wire.SetACLRequest{Path: "/", ACL: named(name), Version: -1} },
		wire.OpMulti: func(name string) wire.Record {
			return &wire.MultiRequest{Ops: []wire.MultiOp{
				{Op: wire.OpCreate, Request: create("CN=ann")},
				{Op: wire.OpSetData, Request: &wire.SetDataRequest{Path: "/a", Data: []byte("x509"), Version: -1}},
				{Op: wire.OpCheck, Request: &wire.CheckRequest{Path: "/a", Version: -1}},
				{Op: wire.OpDelete, Request: &wire.DeleteRequest{Path: "/a", Version: -1}},
				{Op: wire.OpCreateTTL, Request: ttl("CN=bob")},
				{Op: wire.OpCreate2, Request: create(name)},
			}}
		},
	} {
		for name, want := range map[string]error{"CN=ann": nil, `CN=a\,b`: nil, "": nil, "XX=x": tree.ErrInvalidACL, "CN=a<b,O=x": tree.ErrInvalidACL} {
			frame := requestFrame(op, body(name))
			as := bytes.Clone(frame)
			frame = prepared(ops[op], 0, frame)
			if bytes.Equal(frame, as) != (want == nil) {
				t.Errorf("op %d, %q: proposed as %q", op, name, frame)
			}
			res := applyFrame(t, ops[op], frame)
			if res.Err != want {
				t.Errorf("op %d, %q: %v, want %v", op, name, res.Err, want)
			}
			if last := len(res.Ops) - 1; op == wire.OpMulti && want != nil && (last != 5 || res.Ops[0].Err != nil || res.Ops[last].Err != want) {
				t.Errorf("%q in a multi: %+v", name, res.Ops)
			}
		}
	}
}

// applyFrame is what a member of any version does with a frame.
func applyFrame(t *testing.T, o *op, frame []byte) tree.Result {
	t.Helper()
	d := wire.NewDecoder(frame[requestHeader:])
	made, code := o.txn(&d, 0)
	if code != wire.OK {
		t.Fatal(code)
	}
	return tree.New().Apply(tree.Txn{Zxid: 1, Op: made.op})
}

// TestListWithANumberTwiceIsProposedWithItsLastLine: what has been refused by all
// programs stays so in a log.
func TestListWithANumberTwiceIsProposedWithItsLastLine(t *testing.T) {
	one, two, other := "server.1=a:1:2:participant;0.0.0.0:2181\n", "server.2=b:1:2:participant;0.0.0.0:2181\n", "server.1=b:1:2;2181\n"
	for list, want := range map[string]string{
		other + two + "version=1\n" + one:                one + two,
		strings.ReplaceAll(one+other+two+one, "\n", ","): one + two,
		one + two:                          one + two,
		one + two + one + "server.3":       "",
		one + one + two + "server.3=a:1;1": "",
		"server.1=x:1:2;2181," + other + two + "server.2=c:1:2:observer;2181,": "",
	} {
		q := wire.ReconfigRequest{JoiningServers: []byte("ignored"), NewMembers: []byte(list), CurConfigID: 7}
		frame := requestFrame(wire.OpReconfig, &q)
		frame = prepared(ops[wire.OpReconfig], 0, frame)
		d := wire.NewDecoder(frame[requestHeader:])
		if q.Decode(&d); d.Err() != nil || q.CurConfigID != 7 || string(q.JoiningServers) != "ignored" {
			t.Errorf("%q: proposed as %q, %v", list, frame, d.Err())
		}
		members, err := wantedMembers(q, nil)
		if err != nil && want != "" || configText(members) != want {
			t.Errorf("%q became %q, %v, want %q", list, configText(members), err, want)
		}
	}
}

// FuzzNames: all versions refuse what this one does, and take nearly all that it takes.
func FuzzNames(f *testing.F) {
	f.Add(`CN="a,b"+O=#0403616161;1.2.3=\c3`)
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 1<<10 {
			return
		}
		want := validName(name)
		frame := prepared(ops[wire.OpSetACL], 0, requestFrame(wire.OpSetACL, &wire.SetACLRequest{Path: "/", ACL: named(name), Version: -1}))
		if res := applyFrame(t, ops[wire.OpSetACL], frame); want != (res.Err == nil) && !(want && strings.Contains(name, `"`)) {
			t.Errorf("%q: %v, is a name: %v", name, res.Err, want)
		}
	})
}

// FuzzPrepare: nothing that a client sends does harm, or is another request after it.
func FuzzPrepare(f *testing.F) {
	f.Add(int32(wire.OpMulti), []byte("x509"))
	f.Add(int32(wire.OpReconfig), (&wire.ReconfigRequest{NewMembers: []byte("server.1=a:1,server.1=b:1")}).Append(nil))
	f.Fuzz(func(t *testing.T, code int32, body []byte) {
		o := opFor(wire.Op(code))
		if o.prepare == nil {
			return
		}
		frame := append((&wire.RequestHeader{Xid: 1, Op: wire.Op(code)}).Append(nil), body...)
		if got := prepared(o, 0, frame); !bytes.Equal(got[:requestHeader], frame[:requestHeader]) || len(got) > len(frame) {
			t.Errorf("%q became %q", frame, got)
		}
	})
}
