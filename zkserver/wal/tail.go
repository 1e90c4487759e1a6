package wal

import "bytes"

// A tail is what was found behind the last good group of the last segment.
type tail struct {
	garbage int64 // bytes from there to the last one that is not zero
	torn    int64 // bytes of the unfinished group with which it begins, or 0

	valid int64  // offset of a valid group that belongs behind the bad one
	seq   uint64 // its number; 0 when there is none
}

// scanTail looks at what follows the last good group, which ends at from. next
// is the number that the group there should have. Groups of an earlier use of
// the segment have another seed and count as garbage.
func scanTail(b []byte, from int64, next uint64, s seed) tail {
	var t tail
	for off := from; off < int64(len(b)); off += sector {
		rest := b[off:]
		if g, ok := readGroup(rest, s); ok && g.seq >= next {
			t.valid, t.seq = off, g.seq
			return t
		}
		if !allZero(rest[:min(sector, len(rest))]) {
			t.garbage = off - from + sector
		}
	}
	if size, seq, ok := peekGroup(b[min(from, int64(len(b))):], s); ok && seq == next {
		t.torn = min(t.garbage, (groupHeader+int64(size)+sector-1)&^(sector-1))
	}
	return t
}

var zeros [1 << 16]byte

func allZero(b []byte) bool { return bytes.Equal(b, zeros[:len(b)]) }
