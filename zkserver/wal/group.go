package wal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Entry is one entry of the replicated log. The log does not look into it.
type Entry struct {
	Index, Term uint64
	Type        uint8
	Data        []byte
}

// HardState is what raft must remember besides its entries. The zero value
// means "none".
type HardState struct{ Term, Vote, Commit uint64 }

const (
	sector         = 512 // what a disk writes whole or not at all
	groupMagic     = 0x6d776731
	groupHeader    = 24
	entryHeader    = 1 + 1 + 8 + 8 + 4
	hardStateBytes = 1 + 3*8
	markBytes      = 1 + 2*8
)

// Kinds of records in a group.
const (
	kindEntry     = 1
	kindHardState = 2
	kindMark      = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// padded rounds a size up to whole sectors.
func padded(n int) int { return (n + sector - 1) &^ (sector - 1) }

// A seed marks the groups of one use of a segment. It is random and known to
// nobody outside, so that neither what a client stores nor what the segment
// held before can pass for a group of now.
type seed uint64

// tag is what each group carries of the seed.
func (s seed) tag() uint32 { return uint32(s >> 32) }

// checksum is a CRC that begins with the seed.
func (s seed) checksum(b []byte) uint32 { return crc32.Update(uint32(s), castagnoli, b) }

// A groupWriter builds the bytes of one group.
type groupWriter struct{ b []byte }

// begin starts a group in the memory of the last one.
func (w *groupWriter) begin(seq uint64) {
	w.b = append(w.b[:0], make([]byte, groupHeader)...)
	binary.BigEndian.PutUint32(w.b, groupMagic)
	binary.BigEndian.PutUint64(w.b[8:], seq)
}

func (w *groupWriter) entry(e Entry) {
	w.b = append(w.b, kindEntry, e.Type)
	w.b = binary.BigEndian.AppendUint64(w.b, e.Index)
	w.b = binary.BigEndian.AppendUint64(w.b, e.Term)
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(len(e.Data)))
	w.b = append(w.b, e.Data...)
}

func (w *groupWriter) hardState(hs HardState) {
	w.b = append(w.b, kindHardState)
	w.b = binary.BigEndian.AppendUint64(w.b, hs.Term)
	w.b = binary.BigEndian.AppendUint64(w.b, hs.Vote)
	w.b = binary.BigEndian.AppendUint64(w.b, hs.Commit)
}

func (w *groupWriter) mark(index, term uint64) {
	w.b = append(w.b, kindMark)
	w.b = binary.BigEndian.AppendUint64(w.b, index)
	w.b = binary.BigEndian.AppendUint64(w.b, term)
}

// bytes is the room the group takes in the file.
func (w *groupWriter) bytes() int { return padded(len(w.b)) }

// end gives the finished group for a segment with this seed, padded to whole
// sectors. It is valid until the next begin.
func (w *groupWriter) end(s seed) []byte {
	size := len(w.b) - groupHeader
	binary.BigEndian.PutUint32(w.b[16:], uint32(size))
	binary.BigEndian.PutUint32(w.b[20:], s.tag())
	binary.BigEndian.PutUint32(w.b[4:], s.checksum(w.b[8:]))
	w.b = append(w.b, make([]byte, padded(len(w.b))-len(w.b))...)
	return w.b
}

// A group is a decoded group; payload aliases the input.
type group struct {
	seq     uint64
	payload []byte
}

// bytes is the room the group takes in the file.
func (g group) bytes() int64 { return int64(padded(groupHeader + len(g.payload))) }

// readGroup decodes the group at the start of b. It reports false for
// anything that was not written whole, or not with this seed.
func readGroup(b []byte, s seed) (group, bool) {
	size, seq, ok := peekGroup(b, s)
	if !ok || uint64(len(b)) < groupHeader+uint64(size) {
		return group{}, false
	}
	body := b[8 : groupHeader+int(size)]
	if s.checksum(body) != binary.BigEndian.Uint32(b[4:]) {
		return group{}, false
	}
	return group{seq: seq, payload: b[groupHeader : groupHeader+int(size)]}, true
}

// peekGroup reads a group's header without checking its CRC.
func peekGroup(b []byte, s seed) (size uint32, seq uint64, ok bool) {
	if len(b) < groupHeader || binary.BigEndian.Uint32(b) != groupMagic || binary.BigEndian.Uint32(b[20:]) != s.tag() {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint64(b[8:]), true
}

// A record is one item of a group: the field that kind names is set.
type record struct {
	kind  uint8
	entry Entry // Data aliases the group
	hard  HardState
	mark  struct{ index, term uint64 }
}

var errRecord = errors.New("malformed record")

// readRecord decodes the record at the start of b and gives what follows it.
func readRecord(b []byte) (r record, rest []byte, err error) {
	u64 := func(at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }
	switch {
	case len(b) >= entryHeader && b[0] == kindEntry:
		size := binary.BigEndian.Uint32(b[18:])
		if uint64(len(b)-entryHeader) < uint64(size) {
			return record{}, nil, errRecord
		}
		end := entryHeader + int(size)
		r.entry = Entry{Type: b[1], Index: u64(2), Term: u64(10), Data: b[entryHeader:end:end]}
		rest = b[end:]
	case len(b) >= hardStateBytes && b[0] == kindHardState:
		r.hard = HardState{Term: u64(1), Vote: u64(9), Commit: u64(17)}
		rest = b[hardStateBytes:]
	case len(b) >= markBytes && b[0] == kindMark:
		r.mark.index, r.mark.term = u64(1), u64(9)
		rest = b[markBytes:]
	default:
		return record{}, nil, errRecord
	}
	r.kind = b[0]
	return r, rest, nil
}
