package wire_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mwqueue/mw/zkserver/wire"
)

// records returns one empty record of every type, by its name.
func records() map[string]wire.Record {
	all := map[string]wire.Record{}
	add := func(rs ...wire.Record) {
		for _, r := range rs {
			if r != nil {
				all[fmt.Sprintf("%T", r)] = r
			}
		}
	}
	for op := wire.Op(-20); op < 200; op++ {
		add(wire.NewRequest(op), wire.NewReply(op))
	}
	add(new(wire.ConnectRequest), new(wire.ConnectResponse), new(wire.RequestHeader), new(wire.ReplyHeader),
		new(wire.MultiHeader), new(wire.WatcherEvent), new(wire.Stat), new(wire.ACL), new(wire.ID))
	return all
}

// TestRecordsComeBackAsTheyWere writes random records and reads them.
func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for name, r := range records() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := fresh(r)
				fill(t, reflect.ValueOf(want).Elem())
				b := want.Append(nil)
				got := fresh(r)
				d := wire.NewDecoder(b)
				got.Decode(&d)
				if d.Err() != nil || d.Len() != 0 {
					t.Fatalf("decode %x: %v, %d bytes left", b, d.Err(), d.Len())
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("want -, got +\n%s", diff)
				}
			})
		})
	}
}

// TestAppendKeepsWhatIsThere: Append adds to the end of a slice with and
// without room.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	for name, r := range records() {
		want := "head" + string(r.Append(nil))
		if got := string(r.Append([]byte("head"))); got != want {
			t.Errorf("%s appended to head: %q, want %q", name, got, want)
		}
		if got := string(r.Append(append(make([]byte, 0, 4096), "head"...))); got != want {
			t.Errorf("%s appended with room: %q, want %q", name, got, want)
		}
	}
}

// TestEveryCutOfARecordIsAFault holds for records without an optional end.
func TestEveryCutOfARecordIsAFault(t *testing.T) {
	for name, r := range records() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := fresh(r)
				fill(t, reflect.ValueOf(r).Elem())
				b := r.Append(nil)
				if c, ok := r.(*wire.ConnectRequest); ok && c.HasReadOnly {
					b = b[:len(b)-1]
				}
				if c, ok := r.(*wire.ConnectResponse); ok && c.HasReadOnly {
					b = b[:len(b)-1]
				}
				if len(b) == 0 {
					return
				}
				n := rapid.IntRange(0, len(b)-1).Draw(t, "n")
				if err := wire.Decode(b[:n], fresh(r)); err == nil {
					t.Fatalf("%d of %d bytes decode: %x", n, len(b), b[:n])
				}
			})
		})
	}
}

func fresh(r wire.Record) wire.Record {
	return reflect.New(reflect.TypeOf(r).Elem()).Interface().(wire.Record)
}

// fill draws a value for v such that Append loses nothing of it: vectors are not
// nil, and what depends on another field agrees with it.
func fill(t *rapid.T, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *wire.MultiRequest:
		p.Ops = rapid.SliceOfN(rapid.Custom(multiOp), 1, 5).Draw(t, "ops")
		return
	case *wire.MultiResponse:
		p.Results = rapid.SliceOfN(rapid.Custom(multiResult), 1, 5).Draw(t, "results")
		return
	case *[]byte:
		*p = rapid.OneOf(rapid.Just[[]byte](nil), rapid.SliceOf(rapid.Byte())).Draw(t, "bytes")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
		if has := v.FieldByName("HasReadOnly"); has.IsValid() && !has.Bool() {
			v.FieldByName("ReadOnly").SetBool(false)
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 4).Draw(t, "count")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "string"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int32")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int64"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	default:
		t.Fatalf("no values for %v", v.Type())
	}
}

func multiOp(t *rapid.T) wire.MultiOp {
	op := rapid.SampledFrom([]wire.Op{wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL,
		wire.OpDelete, wire.OpSetData, wire.OpCheck, wire.OpGetData, wire.OpGetChildren}).Draw(t, "op")
	r := wire.NewRequest(op)
	fill(t, reflect.ValueOf(r).Elem())
	return wire.MultiOp{Op: op, Request: r}
}

func multiResult(t *rapid.T) wire.MultiResult {
	op := rapid.SampledFrom([]wire.Op{wire.OpCreate, wire.OpCreate2, wire.OpDelete, wire.OpSetData, wire.OpCheck,
		wire.OpGetData, wire.OpGetChildren, wire.OpError}).Draw(t, "op")
	r := wire.NewReply(op)
	fill(t, reflect.ValueOf(r).Elem())
	return wire.MultiResult{Op: op, Reply: r}
}
