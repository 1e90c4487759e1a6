package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

const (
	segmentMagic  = "mwlog\r\n\x00"
	segmentHeader = 104 // bytes used of the first sector
)

// A header is the first sector of a segment: all that must be known about the
// segments before it, which may be gone.
type header struct {
	log      uint64 // number of the data directory
	number   uint64 // of this segment
	size     int64  // of the file, in bytes
	firstSeq uint64 // number of the first group
	index    uint64 // of the entry before the first, and its term
	term     uint64
	hard     HardState
	seed     seed // of its groups, new at each use
	used     bool // before: behind the groups lies what it held then
}

func (h header) encode() []byte {
	b := append(make([]byte, 0, sector), segmentMagic...)
	b = append(b, 0, 0, 0, 0) // CRC
	b = binary.BigEndian.AppendUint32(b, formatVersion)
	var used uint64
	if h.used {
		used = 1
	}
	for _, v := range []uint64{
		h.log, h.number, uint64(h.size), h.firstSeq, h.index, h.term,
		h.hard.Term, h.hard.Vote, h.hard.Commit,
		uint64(h.seed), used,
	} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	binary.BigEndian.PutUint32(b[8:], crc32.Checksum(b[12:], castagnoli))
	return b[:sector]
}

func decodeHeader(b []byte) (header, bool) {
	if len(b) < segmentHeader || string(b[:8]) != segmentMagic ||
		crc32.Checksum(b[12:segmentHeader], castagnoli) != binary.BigEndian.Uint32(b[8:]) ||
		binary.BigEndian.Uint32(b[12:]) != formatVersion {
		return header{}, false
	}
	u64 := func(i int) uint64 { return binary.BigEndian.Uint64(b[16+8*i:]) }
	return header{
		log: u64(0), number: u64(1), size: int64(u64(2)), firstSeq: u64(3), index: u64(4), term: u64(5),
		hard: HardState{Term: u64(6), Vote: u64(7), Commit: u64(8)},
		seed: seed(u64(9)), used: u64(10) == 1,
	}, true
}

// Names of the files that hold the log.
const (
	segmentSuffix = ".log"
	spareSuffix   = ".spare" // a prepared segment, not in use
	tempSuffix    = ".tmp"   // half made; recovery removes it
)

func segmentName(number uint64) string { return fmt.Sprintf("%016x%s", number, segmentSuffix) }

// parseNumber reads the number off a name made of 16 hex digits and suffix.
func parseNumber(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil && fmt.Sprintf("%016x", n) == digits
}
