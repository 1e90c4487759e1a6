package wire_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// TestRecordCuts writes testdata/cut-3.8.0.txt from the bodies that TestRecord
// recorded.
func TestRecordCuts(t *testing.T) {
	if *recordFrom == "" {
		t.Skip("no -record")
	}
	var out bytes.Buffer
	for _, p := range probes(t) {
		for from := 0; from <= len(p.body); {
			answer := ask(t, p.op, p.body[:from])
			to := from
			for to < len(p.body) && ask(t, p.op, p.body[:to+1]) == answer {
				to++
			}
			fmt.Fprintf(&out, "%d %x %d %d %s\n", p.op, p.body, from, to, answer)
			from = to + 1
		}
	}
	if err := os.WriteFile("testdata/cut-3.8.0.txt", out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A probe is a request to send in part and whole.
type probe struct {
	op   wire.Op
	body []byte
}

// probes returns the shortest recorded body of each op and, for each op whose
// body starts with a path, the same with a null path.
func probes(t *testing.T) []probe {
	pathless := []wire.Op{wire.OpMulti, wire.OpMultiRead, wire.OpReconfig, wire.OpAuth, wire.OpSetWatches, wire.OpSetWatches2}

	shortest := map[wire.Op][]byte{}
	for _, m := range replay(t, recording(t)) {
		h, ok := m.records[0].(*wire.RequestHeader)
		if !ok || h.Op == wire.OpCloseSession {
			continue
		}
		body := m.frame.bytes[8:]
		if old := shortest[h.Op]; len(body) > 0 && (old == nil || len(body) < len(old)) {
			shortest[h.Op] = body
		}
	}
	var all []probe
	for op, body := range shortest {
		all = append(all, probe{op, body})
		if slices.Contains(pathless, op) {
			continue
		}
		d := wire.NewDecoder(body)
		d.Path()
		all = append(all, probe{op, append(wire.AppendBytes(nil, nil), d.Rest()...)})
	}
	slices.SortFunc(all, func(a, b probe) int {
		return cmp.Or(cmp.Compare(a.op, b.op), cmp.Compare(len(b.body), len(a.body)))
	})
	return all
}

// ask sends one request in a session of its own and returns the code of the
// reply as a number, or "silent" or "closed".
func ask(t *testing.T, op wire.Op, body []byte) string {
	t.Helper()
	nc, err := net.Dial("tcp", *recordFrom)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := exchange(nc, (&wire.ConnectRequest{TimeoutMillis: 2000}).Append(nil)); err != nil {
		t.Fatal(err)
	}
	b, err := exchange(nc, append((&wire.RequestHeader{Xid: 1, Op: op}).Append(nil), body...))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silent"
	case err != nil:
		return "closed"
	}
	var h wire.ReplyHeader
	if err := wire.Decode(b, &h); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(int(h.Err))
}

// exchange sends one frame and returns the next that comes.
func exchange(nc net.Conn, content []byte) ([]byte, error) {
	b, start := wire.BeginFrame(nil)
	if _, err := nc.Write(wire.EndFrame(append(b, content...), start)); err != nil {
		return nil, err
	}
	nc.SetReadDeadline(time.Now().Add(time.Second))
	return wire.ReadFrame(nc, nil, wire.MaxFrame)
}
