package wire_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A frame of the recorded conversation between Apache ZooKeeper's Java client
// and its server; see testdata/README.md.
type frame struct {
	conn    string // "1" for the first connection, …
	request bool   // from the client
	bytes   []byte // without the length
}

// TestRecordedConversationDecodes reads every frame of the recording, writes it
// again and wants the same bytes. Nothing may be left over.
func TestRecordedConversationDecodes(t *testing.T) {
	for i, m := range replay(t, recording(t)) {
		if m.err != nil {
			t.Errorf("frame %d: decode %s: %v", i, m.what, m.err)
		}
		if m.left != 0 {
			t.Errorf("frame %d: %s leaves %d bytes", i, m.what, m.left)
		}
		var b []byte
		for _, r := range m.records {
			b = r.Append(b)
		}
		if !bytes.Equal(b, m.frame.bytes) {
			t.Errorf("frame %d: %s\n got %x\nwant %x", i, m.what, b, m.frame.bytes)
		}
	}
}

// TestRecordingHasEveryOp fails when an op was forgotten.
func TestRecordingHasEveryOp(t *testing.T) {
	// These need a server or client set up for them, or are never sent.
	never := []wire.Op{wire.OpSASL, wire.OpCheck, wire.OpDeleteContainer}

	seen := map[string]bool{}
	for _, m := range replay(t, recording(t)) {
		seen[m.what] = true
	}
	for op := wire.Op(-20); op < 200; op++ {
		if wire.NewRequest(op) == nil || slices.Contains(never, op) {
			continue
		}
		if !seen["request "+op.String()] || !seen["reply "+op.String()] {
			t.Errorf("no request or no reply of %v in the recording", op)
		}
	}
}

// TestStatsReadAsTheReferenceReadsThem compares each Stat, field by field, with
// what the Java client printed.
func TestStatsReadAsTheReferenceReadsThem(t *testing.T) {
	var got []string
	for _, m := range replay(t, recording(t)) {
		if strings.HasPrefix(m.what, "reply ") {
			for _, r := range m.records {
				got = append(got, stats(r)...)
			}
		}
	}
	told, err := os.ReadFile("testdata/told.txt")
	if err != nil {
		t.Fatal(err)
	}
	// The replies to calls whose Stat the client does not print are
	// between those it does.
	for want := range strings.Lines(string(told)) {
		want = strings.TrimSpace(want)
		i := slices.Index(got, want)
		if i < 0 {
			t.Fatalf("no reply reads as\n%s\nleft are\n%s", want, strings.Join(got, "\n"))
		}
		got = got[i+1:]
	}
}

func stats(r wire.Record) []string {
	switch r := r.(type) {
	case *wire.Create2Response:
		return []string{statLine(r.Stat)}
	case *wire.StatResponse:
		return []string{statLine(r.Stat)}
	case *wire.GetDataResponse:
		return []string{statLine(r.Stat)}
	case *wire.Children2Response:
		return []string{statLine(r.Stat)}
	case *wire.GetACLResponse:
		return []string{statLine(r.Stat)}
	case *wire.MultiResponse:
		var all []string
		for _, res := range r.Results {
			all = append(all, stats(res.Reply)...)
		}
		return all
	}
	return nil
}

func statLine(s wire.Stat) string {
	return fmt.Sprintf("stat czxid=%d mzxid=%d ctime=%d mtime=%d version=%d cversion=%d aversion=%d owner=%d length=%d children=%d pzxid=%d",
		s.Czxid, s.Mzxid, s.Ctime, s.Mtime, s.Version, s.Cversion, s.Aversion, s.EphemeralOwner, s.DataLength, s.NumChildren, s.Pzxid)
}

// A message is a frame and what it holds.
type message struct {
	frame   frame
	what    string // "request create", "reply create", "event", …
	op      wire.Op
	records []wire.Record
	left    int // bytes behind the last record
	err     error
}

// replay decodes frames as the two ends would: a reply by the op of the request
// that has its xid.
func replay(t testing.TB, frames []frame) []message {
	t.Helper()
	ops := map[string]wire.Op{} // by connection and xid
	greeted := map[string]bool{}
	var out []message
	for _, f := range frames {
		m := message{frame: f}
		d := wire.NewDecoder(f.bytes)
		read := func(r wire.Record) {
			if r == nil {
				t.Fatalf("%s: no record", m.what)
			}
			r.Decode(&d)
			m.records = append(m.records, r)
		}
		side := fmt.Sprint(f.conn, f.request)
		switch {
		case !greeted[side] && f.request:
			m.what = "connect request"
			read(new(wire.ConnectRequest))
		case !greeted[side]:
			m.what = "connect reply"
			read(new(wire.ConnectResponse))
		case f.request:
			h := new(wire.RequestHeader)
			read(h)
			ops[fmt.Sprint(f.conn, " ", h.Xid)] = h.Op
			m.op = h.Op
			m.what = "request " + h.Op.String()
			read(wire.NewRequest(h.Op))
		default:
			h := new(wire.ReplyHeader)
			read(h)
			m.op = ops[fmt.Sprint(f.conn, " ", h.Xid)]
			m.what = "reply " + m.op.String()
			switch {
			case h.Xid == wire.XidWatch:
				m.what = "event"
				read(new(wire.WatcherEvent))
			case h.Err == wire.OK:
				read(wire.NewReply(m.op))
			}
		}
		greeted[side] = true
		m.left, m.err = d.Len(), d.Err()
		out = append(out, m)
	}
	return out
}

// recording reads testdata/java-3.8.0.txt: a line is a connection's number,
// ">" for a request or "<" for a reply, and the frame as hexadecimal digits.
func recording(t testing.TB) []frame {
	t.Helper()
	file, err := os.Open("testdata/java-3.8.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var frames []frame
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		b, err := hex.DecodeString(fields[2])
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame{conn: fields[0], request: fields[1] == ">", bytes: b})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return frames
}
