package wire_test

import (
	"errors"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

// TestFailedMulti spells out the answer to a multi whose second of three ops
// failed: every result is an error, in the header and again behind it.
func TestFailedMulti(t *testing.T) {
	r := wire.MultiResponse{Results: []wire.MultiResult{
		wire.Failed(wire.OK), wire.Failed(wire.BadVersion), wire.Failed(wire.RuntimeInconsistency),
	}}
	const want = "" +
		"\xff\xff\xff\xff\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + // 0: was fine
		"\xff\xff\xff\xff\x00\xff\xff\xff\x99" + "\xff\xff\xff\x99" + // -103
		"\xff\xff\xff\xff\x00\xff\xff\xff\xfe" + "\xff\xff\xff\xfe" + // -2: not tried
		"\xff\xff\xff\xff\x01\xff\xff\xff\xff" // the end
	if got := string(r.Append(nil)); got != want {
		t.Errorf("got\n%x\nwant\n%x", got, want)
	}
	var back wire.MultiResponse
	if err := wire.Decode([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	for i, res := range back.Results {
		if res.Op != wire.OpError || res.Err() != r.Results[i].Err() {
			t.Errorf("result %d = %v %v, want error %v", i, res.Op, res.Err(), r.Results[i].Err())
		}
	}
}

// TestResultWithoutReply: delete and check have none.
func TestResultWithoutReply(t *testing.T) {
	r := wire.MultiResponse{Results: []wire.MultiResult{{Op: wire.OpDelete}}}
	const want = "\x00\x00\x00\x02\x00\x00\x00\x00\x00" + "\xff\xff\xff\xff\x01\xff\xff\xff\xff"
	if got := string(r.Append(nil)); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

// TestMultiRefusesOtherOps: also a multi in a multi, which could nest without end.
func TestMultiRefusesOtherOps(t *testing.T) {
	for _, op := range []wire.Op{wire.OpMulti, wire.OpSync, wire.OpExists, wire.OpCloseSession, wire.OpError, 77} {
		b := (&wire.MultiHeader{Op: op, Err: -1}).Append(nil)
		b = append(b, make([]byte, 64)...)
		if err := wire.Decode(b, new(wire.MultiRequest)); !errors.Is(err, wire.ErrMultiOp) {
			t.Errorf("%v in a multi: %v, want %v", op, err, wire.ErrMultiOp)
		}
	}
}

// TestReadsAndWritesDoNotMix in one multi.
func TestReadsAndWritesDoNotMix(t *testing.T) {
	read, write := wire.MultiOp{Op: wire.OpGetData}, wire.MultiOp{Op: wire.OpCheck}
	tests := []struct {
		name        string
		ops         []wire.MultiOp
		multi, read bool
	}{
		{"none", nil, true, true},
		{"writes", []wire.MultiOp{write, write}, true, false},
		{"reads", []wire.MultiOp{read, read}, false, true},
		{"both", []wire.MultiOp{write, read}, false, false},
	}
	for _, tt := range tests {
		r := wire.MultiRequest{Ops: tt.ops}
		if m, rd := r.Fits(wire.OpMulti), r.Fits(wire.OpMultiRead); m != tt.multi || rd != tt.read {
			t.Errorf("%s: fits multi %v, multiRead %v; want %v, %v", tt.name, m, rd, tt.multi, tt.read)
		}
	}
}

// TestNames of what the protocol numbers.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		wire.OpGetChildren2.String():          "getChildren2",
		wire.OpCloseSession.String():          "closeSession",
		wire.Op(77).String():                  "op 77",
		wire.NoChildrenForEphemerals.String(): "no children for ephemerals",
		wire.Code(-9).String():                "code -9",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
