package tree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cespare/xxhash/v2"
)

// Read gives the tree of a snapshot, which it checks throughout: sums, counts,
// the rules for paths and parents, and the digest. The error of a damaged one
// names the offset. Read takes memory in proportion to what r gives, whatever
// lengths stand there, and takes nothing from r beyond the snapshot.
func Read(r io.Reader) (*Tree, error) {
	d := decoder{r: r, tree: newTree()}
	t, err := d.read()
	if err != nil {
		return nil, fmt.Errorf("tree: read snapshot: offset %d: %w", d.offset, err)
	}
	return t, nil
}

// A decoder builds a tree. offset is how much of r is taken or, while a
// section is decoded, where its current record begins.
type decoder struct {
	r      io.Reader
	offset int64
	tree   *Tree

	section bytes.Buffer
	acls    []*aclEntry // those of this section
}

func (d *decoder) read() (*Tree, error) {
	h, err := d.header()
	if err != nil {
		return nil, err
	}
	var sections, znodes uint64
	for {
		records, err := d.nextSection()
		if err != nil {
			return nil, err
		}
		if records == 0 {
			break
		}
		if err := d.records(records); err != nil {
			return nil, err
		}
		sections++
		znodes += uint64(records)
	}
	if err := d.footer(sections, znodes); err != nil {
		return nil, err
	}
	d.tree.lastZxid = h.zxid
	return d.tree, d.tree.adopt(h)
}

func (d *decoder) header() (header, error) {
	var b [headerSize]byte
	if err := d.fill(b[:]); err != nil {
		return header{}, err
	}
	h := header{
		zxid:   int64(binary.BigEndian.Uint64(b[len(magic):])),
		digest: binary.BigEndian.Uint64(b[len(magic)+8:]),
		znodes: binary.BigEndian.Uint64(b[len(magic)+16:]),
	}
	if string(b[:len(magic)-1]) != magic[:len(magic)-1] {
		return header{}, errors.New("not a snapshot of a tree")
	}
	if v := b[len(magic)-1]; v != magic[len(magic)-1] {
		return header{}, fmt.Errorf("format version %d, this program knows %d", v, magic[len(magic)-1])
	}
	if !bytes.Equal(appendHeader(nil, h), b[:]) {
		return header{}, errors.New("header damaged")
	}
	return h, nil
}

func (d *decoder) footer(sections, znodes uint64) error {
	var b [footerSize]byte
	if err := d.fill(b[:]); err != nil {
		return err
	}
	if !bytes.Equal(appendFooter(nil, sections, znodes), b[:]) {
		return fmt.Errorf("footer does not match %d sections with %d znodes", sections, znodes)
	}
	return nil
}

// nextSection reads a section whole and gives the number of its records, 0
// after the last one.
func (d *decoder) nextSection() (records uint32, err error) {
	var head [sectionHead]byte
	if err := d.fill(head[:]); err != nil {
		return 0, err
	}
	if head == [sectionHead]byte{} {
		return 0, nil
	}
	size := binary.BigEndian.Uint64(head[:])
	records = binary.BigEndian.Uint32(head[8:])
	if size > math.MaxInt64 {
		return 0, errors.New("section length is negative")
	}
	d.section.Reset()
	n, err := io.CopyN(&d.section, d.r, int64(size)) // grows with what arrives
	if err != nil {
		d.offset += n
		return 0, short(err)
	}
	if sectionSum(head[:12], d.section.Bytes()) != binary.BigEndian.Uint32(head[12:]) {
		return 0, errors.New("section damaged")
	}
	if records == 0 || uint64(records) > size/minRecord {
		return 0, fmt.Errorf("section of %d bytes with %d records", size, records)
	}
	return records, nil
}

// records decodes the section that was read.
func (d *decoder) records(count uint32) error {
	d.acls = d.acls[:0]
	c := cursor{rest: d.section.Bytes()}
	start, size := d.offset, len(c.rest)
	for range count {
		d.offset = start + int64(size-len(c.rest))
		n := d.record(&c)
		if c.err != nil {
			return c.err
		}
		if err := d.place(n, int(count)); err != nil {
			return err
		}
	}
	d.offset = start + int64(size)
	if len(c.rest) > 0 {
		return fmt.Errorf("%d bytes left over in a section", len(c.rest))
	}
	return nil
}

// record decodes one znode. Its strings and data are copies.
func (d *decoder) record(c *cursor) *node {
	n := &node{path: string(c.bytes(c.uvarint()))}
	if b := c.bytes(countersSize); b != nil {
		getCounters((*[countersSize]byte)(b), n)
	}
	switch number := c.uvarint(); {
	case c.err != nil:
	case number < uint64(len(d.acls)):
		n.acl = d.acls[number]
	case number == uint64(len(d.acls)):
		n.acl = d.tree.acls.intern(c.acl())
		d.acls = append(d.acls, n.acl)
	default:
		c.fail("ACL number out of order")
	}
	if size := c.uvarint(); size > 0 {
		n.data = append([]byte{}, c.bytes(size-1)...)
	}
	return n
}

// place puts a znode in its shard. Its links are made when all are there.
func (d *decoder) place(n *node, sectionCount int) error {
	if !validPath(n.path) {
		return fmt.Errorf("invalid path %q", n.path)
	}
	if n.kind >= kindEnd {
		return fmt.Errorf("unknown kind %d of %q", n.kind, n.path)
	}
	shard := &d.tree.shards[shardOf(xxhash.Sum64String(n.path))]
	if len(*shard) == 0 {
		*shard = make(map[string]*node, sectionCount) // a section has one shard's
	}
	if (*shard)[n.path] != nil {
		return fmt.Errorf("%q is there twice", n.path)
	}
	(*shard)[n.path] = n
	d.tree.acls.retain(n.acl)
	return nil
}

// fill reads exactly len(b) bytes.
func (d *decoder) fill(b []byte) error {
	n, err := io.ReadFull(d.r, b)
	d.offset += int64(n)
	return short(err)
}

func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
