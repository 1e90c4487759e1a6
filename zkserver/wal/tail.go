package wal

import "bytes"

// A tail is what was found behind the last good group of the last segment.
type tail struct {
	garbage int64 // bytes from there to the last one that is not zero or older
	torn    bool  // it begins with a group that was not finished

	valid int64  // offset of a valid group that belongs behind the bad one
	seq   uint64 // its number; 0 when there is none
}

// scanTail looks at what follows the last good group, which ends at from. next
// is the number that the group there should have.
//
// Valid groups of lower numbers are what the segment held in an earlier life:
// they end the garbage, since writing never came so far. Before the first of
// them lies what is left of a group that was written over in part. It can be
// told from a torn group only if the first sector of that is there.
func scanTail(b []byte, from int64, next uint64) tail {
	var t tail
	recycled := false
	if _, seq, ok := peekGroup(b[min(from, int64(len(b))):]); ok {
		t.torn = seq == next
	}
	for off := from; off < int64(len(b)); off += sector {
		rest := b[off:]
		if _, _, ok := peekGroup(rest); ok {
			if g, ok := readGroup(rest); ok && g.seq >= next {
				t.valid, t.seq = off, g.seq
				return t
			} else if ok {
				recycled = true
			}
		}
		if !recycled && !allZero(rest[:min(sector, len(rest))]) {
			t.garbage = off - from + sector
		}
	}
	return t
}

var zeros [1 << 16]byte

func allZero(b []byte) bool { return bytes.Equal(b, zeros[:len(b)]) }
