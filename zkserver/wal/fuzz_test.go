package wal

import (
	"bytes"
	"testing"
)

const fuzzSeed = seed(0x0123456789abcdef)

// FuzzGroup: whatever the bytes, decoding neither fails hard nor allocates
// more than them, and what decodes encodes to the same group.
func FuzzGroup(f *testing.F) {
	var w groupWriter
	w.begin(7)
	w.entry(Entry{Index: 3, Term: 2, Type: 1, Data: []byte("data")})
	w.hardState(HardState{Term: 2, Vote: 1, Commit: 3})
	w.mark(9, 4)
	f.Add(bytes.Clone(w.end(fuzzSeed)))
	w.begin(0)
	f.Add(bytes.Clone(w.end(fuzzSeed)))
	f.Fuzz(func(t *testing.T, b []byte) {
		scanTail(b, 0, 1, fuzzSeed)
		decodeHeader(b)
		decodeWatermark(b)
		g, ok := readGroup(b, fuzzSeed)
		if !ok {
			return
		}
		var w groupWriter
		w.begin(g.seq)
		for p := g.payload; len(p) > 0; {
			rec, rest, err := readRecord(p)
			if err != nil {
				return
			}
			switch p = rest; rec.kind {
			case kindEntry:
				w.entry(rec.entry)
			case kindHardState:
				w.hardState(rec.hard)
			case kindMark:
				w.mark(rec.mark.index, rec.mark.term)
			}
		}
		if got := w.end(fuzzSeed)[groupHeader:]; !bytes.HasPrefix(got, g.payload) {
			t.Errorf("decoded %x, encoded %x", g.payload, got)
		}
	})
}
