package wire_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

// TestFirstFaultLatches: after a fault nothing is read, even where bytes are left.
func TestFirstFaultLatches(t *testing.T) {
	d := wire.NewDecoder([]byte{0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8})
	if got := d.Bytes(); got != nil {
		t.Errorf("Bytes = %x, want nil", got)
	}
	if !errors.Is(d.Err(), wire.ErrShort) {
		t.Errorf("Err = %v, want %v", d.Err(), wire.ErrShort)
	}
	if d.Int32() != 0 || d.Int64() != 0 || d.Bool() || d.String() != "" || d.Path() != "" || d.Strings() != nil {
		t.Error("something was read after a fault")
	}
	if !errors.Is(d.Err(), wire.ErrShort) {
		t.Errorf("Err after more calls = %v, want the first", d.Err())
	}
}

func TestLengths(t *testing.T) {
	bytesOf := func(d *wire.Decoder) any { return d.Bytes() }
	stringsOf := func(d *wire.Decoder) any { return d.Strings() }
	pathOf := func(d *wire.Decoder) any { return d.Path() }
	tests := []struct {
		name string
		in   string
		read func(*wire.Decoder) any
		want error
	}{
		{"null buffer", "\xff\xff\xff\xff", bytesOf, nil},
		{"empty buffer", "\x00\x00\x00\x00", bytesOf, nil},
		{"negative buffer", "\xff\xff\xff\xfe", bytesOf, wire.ErrLength},
		{"least negative buffer", "\x80\x00\x00\x00", bytesOf, wire.ErrLength},
		{"buffer longer than the input", "\x00\x00\x00\x02a", bytesOf, wire.ErrShort},
		{"null path", "\xff\xff\xff\xff", pathOf, wire.ErrNull},
		{"empty path", "\x00\x00\x00\x00", pathOf, nil},
		{"null vector", "\xff\xff\xff\xff", stringsOf, nil},
		{"negative vector", "\xff\xff\xff\xfe", stringsOf, nil},
		{"vector longer than the input", "\x00\x00\x00\x02\x00\x00\x00\x00", stringsOf, wire.ErrShort},
		{"longest vector", "\x7f\xff\xff\xff\x00\x00\x00\x00", stringsOf, wire.ErrShort},
		{"vector with a cut string", "\x00\x00\x00\x01\x00\x00\x00\x01", stringsOf, wire.ErrShort},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := wire.NewDecoder([]byte(tt.in))
			got := tt.read(&d)
			if !errors.Is(d.Err(), tt.want) {
				t.Errorf("got %v, error %v; want error %v", got, d.Err(), tt.want)
			}
		})
	}
}

// TestNullDataIsNotEmptyData: a znode created with null data reads back as null.
func TestNullDataIsNotEmptyData(t *testing.T) {
	for _, data := range [][]byte{nil, {}} {
		var got wire.SetDataRequest
		if err := wire.Decode((&wire.SetDataRequest{Path: "/a", Data: data}).Append(nil), &got); err != nil {
			t.Fatal(err)
		}
		if (got.Data == nil) != (data == nil) {
			t.Errorf("data %#v came back as %#v", data, got.Data)
		}
	}
}

// TestNothingButDataIsWrittenAsNull: go-zookeeper cannot read a null string or
// vector.
func TestNothingButDataIsWrittenAsNull(t *testing.T) {
	null := wire.AppendInt32(nil, -1)
	for name, r := range records() {
		switch r.(type) {
		case *wire.MultiRequest, *wire.MultiResponse:
			continue // their end has two -1 of another kind
		}
		b := r.Append(nil)
		got := 0
		for bytes.Contains(b, null) {
			b = bytes.Replace(b, null, nil, 1)
			got++
		}
		want := map[string]int{ // their buffers
			"*wire.ConnectRequest": 1, "*wire.ConnectResponse": 1, "*wire.CreateRequest": 1, "*wire.CreateTTLRequest": 1,
			"*wire.SetDataRequest": 1, "*wire.GetDataResponse": 1, "*wire.AuthRequest": 1, "*wire.SASLRequest": 1,
			"*wire.SASLResponse": 1, "*wire.ReconfigRequest": 3,
		}[name]
		if got != want {
			t.Errorf("the zero %s has %d nulls, want %d", name, got, want)
		}
	}
}

// TestBytesCannotGrowIntoTheInput: appending to a decoded buffer must not
// overwrite what follows it.
func TestBytesCannotGrowIntoTheInput(t *testing.T) {
	in := []byte{0, 0, 0, 1, 'a', 0, 0, 0, 1, 'b'}
	d := wire.NewDecoder(in)
	first := d.Bytes()
	_ = append(first, 0xee)
	if got := d.Bytes(); string(got) != "b" {
		t.Errorf("second buffer = %q, want b", got)
	}
	if &first[0] != &in[4] {
		t.Error("Bytes copied")
	}
}

// TestLengthsCostNoMemory decodes what claims much and holds little, and what
// holds as many elements as its bytes allow.
func TestLengthsCostNoMemory(t *testing.T) {
	const size = 1 << 20
	claim := slices.Concat([]byte{0x7f, 0xff, 0xff, 0xff}, make([]byte, size))
	many := func(head []byte, element string) []byte {
		return append(slices.Clone(head), bytes.Repeat([]byte(element), size/len(element))...)
	}
	inputs := map[string][]byte{
		"claims":  claim,
		"strings": many(wire.AppendInt32(make([]byte, 8), size/4), "\x00\x00\x00\x00"),
		"acls":    many(wire.AppendInt32(make([]byte, 8), size/12), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"ids":     many(wire.AppendInt32(nil, size/8), "\x00\x00\x00\x00\x00\x00\x00\x00"),
		"reads":   many(nil, "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"deletes": many(nil, "\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"results": many(nil, "\x00\x00\x00\x02\x00\x00\x00\x00\x00"),
	}
	for input, b := range inputs {
		for name, r := range records() {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_ = wire.Decode(b, r)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 16*size {
				t.Errorf("%s from 1 MiB of %s allocated %d MiB", name, input, used>>20)
			}
		}
	}
}

// TestCodecDoesNotAllocate but for the strings of a decoded record.
func TestCodecDoesNotAllocate(t *testing.T) {
	in := (&wire.SetDataRequest{Path: "/app/one", Data: make([]byte, 1000), Version: 3}).Append(nil)
	if got := testing.AllocsPerRun(100, func() {
		d := wire.NewDecoder(in)
		var r wire.SetDataRequest
		r.Decode(&d)
		if d.Err() != nil {
			t.Fatal(d.Err())
		}
	}); got > 1 {
		t.Errorf("decode of setData: %v allocations, want 1, the path", got)
	}

	out := make([]byte, 0, 4096)
	if got := testing.AllocsPerRun(100, func() {
		b, start := wire.BeginFrame(out)
		b = (&wire.ReplyHeader{Xid: 1}).Append(b)
		b = (&wire.GetDataResponse{Data: in}).Append(b)
		_ = wire.EndFrame(b, start)
	}); got != 0 {
		t.Errorf("encode of a getData reply: %v allocations, want 0", got)
	}
}

// Measured on 3.8.0: setWatches with a null vector is refused, with a count of -2
// it is taken as one without paths.
func TestANegativeCountOtherThanNullIsEmpty(t *testing.T) {
	for count, want := range map[int32][]string{-1: nil, -2: {}, -1 << 31: {}} {
		d := wire.NewDecoder(wire.AppendInt32(nil, count))
		got := d.Strings()
		if d.Err() != nil || len(got) != 0 || (got == nil) != (want == nil) {
			t.Errorf("count %d: %#v, %v, want %#v", count, got, d.Err(), want)
		}
	}
}
