package history

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each row is a history with what is wrong with it.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	create := Op{Kind: Create, Path: "/k", Value: "a", Code: OK, Begin: 1, End: 2}
	set := func(value string, version int32, zxid, begin, end int64) Op {
		return Op{Client: "w", Session: 1, Kind: Set, Path: "/k", Value: value, Expect: -1, Version: version, Zxid: zxid, Code: OK, Begin: begin, End: end}
	}
	read := func(value string, version int32, zxid, begin, end int64) Op {
		return Op{Client: "r", Session: 2, Kind: Read, Path: "/k", Value: value, Version: version, Zxid: zxid, Code: OK, Begin: begin, End: end}
	}
	lost := func(o Op) Op { o.Code, o.End = Unknown, 0; return o }
	as := func(o Op, kind Kind) Op { o.Kind = kind; return o }
	of := func(o Op, session int64) Op { o.Session = session; return o }
	conn := func(o Op, n int) Op { o.Conn, o.Client, o.Session = n, "c", 3; return o }
	owned := Op{Kind: Ephemeral, Session: 7, Path: "/e/a", Code: OK, Begin: 1, End: 2}
	alive := Op{Kind: Set, Session: 7, Path: "/other", Expect: -1, Code: NoNode, Begin: 10, End: 11}

	at := func(o Op, begin, end int64) Op { o.Begin, o.End = begin, end; return o }
	attached := Op{Kind: Attached, Session: 7, Code: OK, Begin: 1, End: 2}
	over := func(when int64) Op {
		return Op{Kind: Expired, Session: 7, Number: 100, Code: OK, Begin: when, End: when}
	}
	read7 := func(begin, end int64) Op {
		return Op{Kind: Read, Session: 7, Path: "/none", Code: NoNode, Begin: begin, End: end}
	}
	list7 := func(begin, end int64) Op {
		return Op{Kind: List, Path: "/e", Names: []string{"a"}, Code: OK, Begin: begin, End: end}
	}

	tests := []struct {
		name string
		ops  []Op
		want string // check, "" for none
	}{
		{"one after the other", []Op{create, set("b", 1, 10, 3, 4), read("b", 1, 10, 5, 6)}, ""},
		{"an acknowledged write is lost", []Op{create, set("b", 1, 10, 3, 4), read("a", 0, 5, 5, 6)}, "registers"},
		{"an acknowledged write is done twice", []Op{create, set("b", 1, 10, 3, 4), read("b", 2, 11, 5, 6)}, "registers"},
		{"a read while a write is under way", []Op{create, set("b", 1, 10, 3, 9), read("a", 0, 5, 5, 6), read("b", 1, 10, 7, 8)}, ""},
		{"reads go back", []Op{create, set("b", 1, 10, 3, 9), read("b", 1, 10, 5, 6), of(read("a", 0, 5, 7, 8), 9)}, "registers"},
		{"a write without answer was done", []Op{create, lost(set("b", 0, 0, 3, 0)), read("b", 1, 10, 5, 6)}, ""},
		{"a write without answer was not done", []Op{create, lost(set("b", 0, 0, 3, 0)), read("a", 0, 5, 5, 6)}, ""},
		{"a write without answer is done and undone", []Op{create, lost(set("b", 0, 0, 3, 0)), read("b", 1, 10, 5, 6), of(read("a", 0, 5, 7, 8), 9)}, "registers"},
		{"a version is checked", []Op{create, {Kind: Set, Path: "/k", Value: "b", Expect: 3, Code: BadVersion, Begin: 3, End: 4}}, ""},
		{"a version is not checked", []Op{create, {Kind: Set, Path: "/k", Value: "b", Expect: 3, Version: 1, Code: OK, Begin: 3, End: 4}}, "registers"},
		{"deleted, and there", []Op{create, {Kind: Delete, Path: "/k", Expect: -1, Code: OK, Begin: 3, End: 4}, read("a", 0, 5, 5, 6)}, "registers"},

		{"zxids go back", []Op{
			{Kind: Set, Path: "/x", Expect: -1, Code: OK, Zxid: 20, Begin: 1, End: 2, Version: 1},
			{Kind: Set, Path: "/y", Expect: -1, Code: OK, Zxid: 19, Begin: 3, End: 4, Version: 1},
		}, "zxids"},
		{"a zxid twice", []Op{
			{Kind: Set, Path: "/x", Expect: -1, Code: OK, Zxid: 20, Begin: 1, End: 5, Version: 1},
			{Kind: Set, Path: "/y", Expect: -1, Code: OK, Zxid: 20, Begin: 3, End: 4, Version: 1},
		}, "zxids"},
		{"a session is shown its own write", []Op{set("b", 1, 10, 3, 4), as(set("b", 1, 10, 5, 6), Peek)}, ""},
		{"a session is not shown its own write", []Op{set("b", 1, 10, 3, 4), as(set("a", 0, 5, 5, 6), Peek)}, "sessions"},
		{"a session that saw nothing yet may see old state", []Op{set("b", 1, 10, 3, 4), as(read("a", 0, 5, 5, 6), Peek)}, ""},

		{"a number twice", []Op{{Kind: Sequential, Path: "/s", Number: 1, Code: OK, Begin: 1, End: 4}, {Kind: Sequential, Path: "/s", Number: 1, Code: OK, Begin: 2, End: 5}}, "sequences"},
		{"numbers go back", []Op{{Kind: Sequential, Path: "/s", Number: 2, Code: OK, Begin: 1, End: 2}, {Kind: Sequential, Path: "/s", Number: 1, Code: OK, Begin: 3, End: 5}}, "sequences"},

		{"an ephemeral is there", []Op{owned, {Kind: List, Path: "/e", Names: []string{"a"}, Code: OK, Begin: 3, End: 4}, alive}, ""},
		{"an ephemeral is gone", []Op{owned, {Kind: List, Path: "/e", Code: OK, Begin: 3, End: 4}, alive}, "ephemerals"},
		{"an ephemeral is deleted", []Op{owned, {Kind: Delete, Path: "/e/a", Expect: -1, Session: 7, Code: OK, Begin: 3, End: 4}, {Kind: List, Path: "/e", Code: OK, Begin: 5, End: 6}, alive}, ""},
		{"an ephemeral is gone with its session", []Op{owned, alive, {Kind: List, Path: "/e", Code: OK, Begin: 9, End: 12}}, ""},

		{"a session that was silent expires", []Op{alive, {Kind: Expired, Session: 7, Number: 100, Code: OK, Begin: 110, End: 110}}, ""},
		{"a session expires early", []Op{alive, {Kind: Expired, Session: 7, Number: 100, Code: OK, Begin: 80, End: 80}}, "lives"},

		{"a session expires in the time that a sync promised", []Op{attached, read7(50, 60), over(140)}, "leases"},
		{"a session expires in the time that it was attached for", []Op{attached, over(90)}, "leases"},
		{"a session expires when its time is over", []Op{attached, read7(50, 60), over(150)}, ""},
		{"a sync that was answered too late promises nothing", []Op{attached, read7(50, 101), read7(110, 120), over(130)}, ""},
		{"what it promises when the session is attached again", []Op{attached, read7(50, 101), as(of(at(attached, 105, 106), 7), Attached), read7(110, 120), over(190)}, "leases"},

		{"an ephemeral is there after the end of its session", []Op{owned, over(90), list7(91, 92)}, "remains"},
		{"an ephemeral is there while its session ends", []Op{owned, over(90), list7(89, 92)}, ""},
		{"an ephemeral without answer is there after its session was closed", []Op{lost(owned), as(over(90), Closed), list7(91, 92)}, "remains"},

		{"a session that was silent speaks again while it expires", []Op{
			{Kind: Set, Session: 7, Path: "/other", Expect: -1, Code: NoNode, Begin: 10, End: 11},
			{Kind: Set, Session: 7, Path: "/other", Expect: -1, Code: NoNode, Begin: 200, End: 201},
			{Kind: Expired, Session: 7, Number: 100, Code: OK, Begin: 210, End: 210},
		}, ""},
		{"a session that was silent speaks again, for long", []Op{
			{Kind: Set, Session: 7, Path: "/other", Expect: -1, Code: NoNode, Begin: 10, End: 11},
			{Kind: Set, Session: 7, Path: "/other", Expect: -1, Code: NoNode, Begin: 200, End: 201},
			{Kind: Set, Session: 7, Path: "/other", Expect: -1, Code: NoNode, Begin: 250, End: 251},
			{Kind: Expired, Session: 7, Number: 100, Code: OK, Begin: 290, End: 290},
		}, "lives"},

		{"an event, then the change", []Op{as(conn(read("a", 0, 5, 1, 2), 1), Armed), {Client: "c", Kind: Event, Path: "/k"}, as(conn(read("b", 1, 10, 3, 4), 1), Peek)}, ""},
		{"the change without an event", []Op{as(conn(read("a", 0, 5, 1, 2), 1), Armed), as(conn(read("b", 1, 10, 3, 4), 1), Peek)}, "watches"},
		{"the change on another connection", []Op{as(conn(read("a", 0, 5, 1, 2), 1), Armed), as(conn(read("b", 1, 10, 3, 4), 2), Peek)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, v := range Check(tt.ops) {
				if tt.want == "zxids" && v.Check == "registers" {
					continue // these znodes were never made
				}
				if tt.ops[0].Kind != Create && v.Check == "registers" {
					continue
				}
				got = append(got, v.Check)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("violations of %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHistoryIsReadAsItWasWritten(t *testing.T) {
	want := []Op{
		{Client: "a", Session: -1 << 60, Conn: 3, Kind: Read, Path: "/k", Begin: 1, End: 2, Code: OK, Value: "v", Expect: -1, Version: 7, Zxid: 1 << 40},
		{Client: "b", Kind: Set, Path: "/k", Begin: 3},
	}
	var b bytes.Buffer
	if err := Write(&b, want); err != nil {
		t.Fatal(err)
	}
	b.WriteString(`{"client":"cut o`)
	var r Recorder
	if err := r.Read(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, r.Ops()); diff != "" {
		t.Error(diff)
	}
}
