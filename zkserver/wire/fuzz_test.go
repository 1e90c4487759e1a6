package wire_test

import (
	"bytes"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

// checkDecode holds what the package promises of any input: no panic; what
// decodes encodes to as many bytes, which decode to the same.
func checkDecode(t *testing.T, b []byte, first, second wire.Record) {
	d := wire.NewDecoder(b)
	first.Decode(&d)
	if d.Err() != nil {
		if d.Len() != 0 {
			t.Errorf("%d bytes can be read after %v", d.Len(), d.Err())
		}
		return
	}
	again := first.Append(nil)
	if len(again) != len(b)-d.Len() {
		t.Errorf("%T of %d bytes encodes to %d", first, len(b)-d.Len(), len(again))
	}
	if err := wire.Decode(again, second); err != nil {
		t.Fatalf("decode of its own encoding: %v", err)
	}
	if twice := second.Append(nil); !bytes.Equal(again, twice) {
		t.Errorf("%T encodes to\n%x, then to\n%x", first, again, twice)
	}
}

// FuzzRequest reads a whole request frame: header, then the body of its op.
func FuzzRequest(f *testing.F) {
	for _, fr := range recording(f) {
		if fr.request {
			f.Add(fr.bytes)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := wire.NewDecoder(b)
		var h wire.RequestHeader
		h.Decode(&d)
		if r := wire.NewRequest(h.Op); d.Err() == nil && r != nil {
			checkDecode(t, d.Rest(), r, wire.NewRequest(h.Op))
		}
	})
}

// FuzzReply reads the body of a reply to op.
func FuzzReply(f *testing.F) {
	for _, m := range replay(f, recording(f)) {
		if len(m.records) == 2 && !m.frame.request {
			f.Add(int32(m.op), m.frame.bytes[16:])
		}
	}
	f.Fuzz(func(t *testing.T, op int32, b []byte) {
		if r := wire.NewReply(wire.Op(op)); r != nil {
			checkDecode(t, b, r, wire.NewReply(wire.Op(op)))
		}
	})
}

// FuzzOther reads b as each of the records that are no body of an op.
func FuzzOther(f *testing.F) {
	for _, fr := range recording(f) {
		f.Add(fr.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkDecode(t, b, new(wire.ConnectRequest), new(wire.ConnectRequest))
		checkDecode(t, b, new(wire.ConnectResponse), new(wire.ConnectResponse))
		checkDecode(t, b, new(wire.RequestHeader), new(wire.RequestHeader))
		checkDecode(t, b, new(wire.ReplyHeader), new(wire.ReplyHeader))
		checkDecode(t, b, new(wire.WatcherEvent), new(wire.WatcherEvent))
		checkDecode(t, b, new(wire.MultiHeader), new(wire.MultiHeader))
		checkDecode(t, b, new(wire.ACL), new(wire.ACL))
	})
}

// FuzzReadFrame reads frames from a stream until it ends, and wants the stream
// back when it writes them.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte(frameOf("one") + frameOf("") + frameOf("two")))
	f.Add([]byte("\x00\x00\x10\x01"))
	f.Add([]byte("ruok"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 4096
		r := bytes.NewReader(b)
		var out, buf []byte
		for {
			before := r.Len()
			var err error
			if buf, err = wire.ReadFrame(r, buf, limit); err != nil {
				b = b[:len(b)-before]
				break
			}
			if len(buf) > limit {
				t.Fatalf("a frame of %d bytes", len(buf))
			}
			var start int
			out, start = wire.BeginFrame(out)
			out = wire.EndFrame(append(out, buf...), start)
		}
		if !bytes.Equal(b, out) {
			t.Errorf("got %x, want %x", out, b)
		}
	})
}
