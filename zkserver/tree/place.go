package tree

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// A section is a part of a snapshot that can be decoded by itself.
type section struct {
	offset  int64 // of its records
	head    [sectionHead]byte
	records uint32
	data    []byte // the records
}

// A placer turns sections into znodes in their shards. Each worker has its own.
type placer struct {
	*decoder
	intake   *intake
	perShard uint64 // how many znodes there should be in a shard

	// These are of the section being decoded.
	placed []placement
	acls   []*aclEntry // by their numbers
	uses   []int       // of them
}

// A placement is a znode on its way to its shard.
type placement struct {
	node  *node
	tag   uint32
	shard int32
	at    int64 // offset of its record
}

// take decodes a section: first its records, then, while it holds their shard,
// it puts them there all at once.
func (p *placer) take(s *section) sectionFault {
	if sectionSum(s.head[:12], s.data) != binary.BigEndian.Uint32(s.head[12:]) {
		return sectionFault{s.offset, errors.New("section damaged")}
	}
	p.placed, p.acls, p.uses = p.placed[:0], p.acls[:0], p.uses[:0]
	c := cursor{rest: s.data}
	at := func() int64 { return s.offset + int64(len(s.data)-len(c.rest)) }
	for range s.records {
		start := at()
		if err := p.record(&c, start); err != nil {
			return sectionFault{start, err}
		}
	}
	if len(c.rest) > 0 {
		return sectionFault{at(), fmt.Errorf("%d bytes left over in a section", len(c.rest))}
	}
	for some := p.placed; len(some) > 0; {
		n := 1 // in one shard; all of them if this program wrote the section
		for n < len(some) && some[n].shard == some[0].shard {
			n++
		}
		if twice := p.place(some[:n]); twice != nil {
			return sectionFault{twice.at, fmt.Errorf("%q is there twice", twice.node.path)}
		}
		some = some[n:]
	}
	p.countACLs()
	return sectionFault{}
}

// record decodes one znode, whose record is at that offset. Its
// strings and data are copies: what shared memory with its section would keep
// all of it.
func (p *placer) record(c *cursor, at int64) error {
	n := &node{path: string(c.bytes(c.uvarint()))}
	var counters *[countersSize]byte
	if b := c.bytes(countersSize); b != nil {
		counters = (*[countersSize]byte)(b)
		getCounters(counters, n)
	}
	p.acl(c, n)
	if size := c.uvarint(); size > 0 {
		b := c.bytes(size - 1)
		n.data = make([]byte, len(b))
		copy(n.data, b)
	}
	switch {
	case c.err != nil:
		return c.err
	case !validPath(n.path):
		return fmt.Errorf("invalid path %q", n.path)
	case n.kind >= kindEnd:
		return fmt.Errorf("unknown kind %d of %q", n.kind, n.path)
	}
	hash := xxhash.Sum64String(n.path)
	p.intake.take(n, hash, counters)
	p.placed = append(p.placed, placement{n, tag(n.path), int32(shardOf(hash)), at})
	return nil
}

// acl reads the ACL of a znode.
func (p *placer) acl(c *cursor, n *node) {
	number := c.uvarint()
	switch {
	case c.err != nil:
		return
	case number < uint64(len(p.acls)):
	case number == uint64(len(p.acls)):
		p.acls = append(p.acls, p.intern(c.acl()))
		p.uses = append(p.uses, 0)
	default:
		c.fail("ACL number out of order")
		return
	}
	n.acl = p.acls[number]
	p.uses[number]++
}

// intern gives the entry of a list, which stays in the table from now on: the
// section that is the first to use it counts later.
func (p *placer) intern(acl []ACL) *aclEntry {
	p.aclMu.Lock()
	defer p.aclMu.Unlock()
	e := p.tree.acls.intern(acl)
	p.tree.acls.byKey[e.key] = e
	return e
}

func (p *placer) countACLs() {
	p.aclMu.Lock()
	defer p.aclMu.Unlock()
	for number, e := range p.acls {
		e.refs += p.uses[number]
	}
}

// place puts znodes in their shard, which is the same for all. Their links are
// made when all are there. It gives the first that is there already.
func (p *placer) place(some []placement) (twice *placement) {
	shard := some[0].shard
	table := &p.tree.shards[shard]
	p.shards[shard].Lock()
	defer p.shards[shard].Unlock()
	if need := table.used + len(some); need > table.room() {
		// What the header says may be wrong, and must not cost memory then.
		table.reserve(max(need, int(min(p.perShard+p.perShard/16, uint64(4*need)))))
	}
	for i := range some {
		if !table.addNew(some[i].tag, some[i].node) {
			return &some[i]
		}
	}
	return nil
}
