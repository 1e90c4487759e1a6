package tree

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// The snapshot format is laid out in the package doc.
const (
	magic       = "mw tree\x01" // the last byte is the format's version
	headerSize  = len(magic) + 3*8 + 4
	sectionHead = 8 + 4 + 4
	footerSize  = 8 + 8 + 4

	// minRecord is the length of a record of "/" without data, with an ACL
	// that is not new.
	minRecord = 1 + 1 + countersSize + 1 + 1

	// sectionGoal is the length at which a section is closed. A section is
	// longer only by its last record.
	sectionGoal = 128 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A header begins a snapshot and says what must come out of it.
type header struct {
	zxid   int64
	digest uint64
	znodes uint64
}

// WriteTo writes the snapshot: the same bytes for equal trees. It may run on
// another goroutine than the tree's, once.
func (c *Capture) WriteTo(w io.Writer) (int64, error) {
	if c.written.Swap(true) {
		return 0, errors.New("tree: write snapshot: already written or given up")
	}
	defer c.over.Store(true)

	e := encoder{w: w}
	e.write(appendHeader(nil, c.header))
	for shard := range c.shards {
		nodes := c.give(shard)
		slices.SortFunc(nodes, func(a, b *node) int { return cmp.Compare(a.path, b.path) })
		for _, n := range nodes {
			e.add(n)
		}
		e.flush()
		if e.err != nil {
			return e.written, fmt.Errorf("tree: write snapshot: %w", e.err)
		}
	}
	e.write(make([]byte, sectionHead)) // no section
	e.write(appendFooter(nil, e.sections, e.znodes))
	if e.err != nil {
		return e.written, fmt.Errorf("tree: write snapshot: %w", e.err)
	}
	return e.written, nil
}

func appendHeader(b []byte, h header) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.zxid))
	b = binary.BigEndian.AppendUint64(b, h.digest)
	b = binary.BigEndian.AppendUint64(b, h.znodes)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func appendFooter(b []byte, sections, znodes uint64) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, sections)
	b = binary.BigEndian.AppendUint64(b, znodes)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// An encoder gathers records into sections. The first error latches.
type encoder struct {
	w       io.Writer
	written int64
	err     error

	section  []byte // with room for its head in front
	records  uint32
	acls     map[*aclEntry]uint64 // numbers of those in this section
	sections uint64
	znodes   uint64
}

func (e *encoder) add(n *node) {
	if e.records == 0 {
		e.section = append(e.section[:0], make([]byte, sectionHead)...)
		e.acls = make(map[*aclEntry]uint64)
	}
	e.section = appendRecord(e.section, n, e.acls)
	e.records++
	if len(e.section) >= sectionGoal {
		e.flush()
	}
}

// appendRecord writes one znode. acls numbers the lists used so far.
func appendRecord(b []byte, n *node, acls map[*aclEntry]uint64) []byte {
	b = appendString(b, n.path)
	var counters [countersSize]byte
	putCounters(&counters, n)
	b = append(b, counters[:]...)

	number, known := acls[n.acl]
	if !known {
		number = uint64(len(acls))
		acls[n.acl] = number
	}
	b = binary.AppendUvarint(b, number)
	if !known {
		b = append(b, n.acl.key...)
	}

	if n.data == nil {
		return binary.AppendUvarint(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(n.data))+1)
	return append(b, n.data...)
}

// flush writes the section, if there is one.
func (e *encoder) flush() {
	if e.records == 0 {
		return
	}
	putSectionHead(e.section, e.records)
	e.write(e.section)
	e.sections++
	e.znodes += uint64(e.records)
	e.records = 0
	if cap(e.section) > 4*sectionGoal { // a huge znode was in it
		e.section = nil
	}
}

// putSectionHead fills in the first bytes of a section.
func putSectionHead(section []byte, records uint32) {
	binary.BigEndian.PutUint64(section, uint64(len(section)-sectionHead))
	binary.BigEndian.PutUint32(section[8:], records)
	binary.BigEndian.PutUint32(section[12:], sectionSum(section[:12], section[sectionHead:]))
}

func sectionSum(head, records []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, records)
}

func (e *encoder) write(b []byte) {
	if e.err != nil {
		return
	}
	n, err := e.w.Write(b)
	e.written += int64(n)
	e.err = err
}
