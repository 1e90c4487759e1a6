package tree

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// The digest of a tree is the sum, modulo 2^64, of two hashes of each znode:
// one of its data and ACL, one of its counters. A sum can be kept at each
// write without looking at the rest of the tree, and two hashes because a
// parent's counters change with every child while its data, which may be a
// megabyte, stays.

// digestChange is what a znode going from old to n adds to the digest; either
// may be nil. hash is that of the path.
func digestChange(hash uint64, old, n *node) uint64 {
	var change uint64
	if n != nil {
		change += digestCounters(hash, n)
	}
	if old != nil {
		change -= digestCounters(hash, old)
	}
	if old != nil && n != nil && sameContent(old, n) {
		return change
	}
	if n != nil {
		change += digestContent(hash, n)
	}
	if old != nil {
		change -= digestContent(hash, old)
	}
	return change
}

// sameContent is quick rather than complete: a write of equal data in another
// slice counts as a change, which comes to the same sum.
func sameContent(a, b *node) bool {
	if a.acl != b.acl || len(a.data) != len(b.data) || (a.data == nil) != (b.data == nil) {
		return false
	}
	return len(a.data) == 0 || &a.data[0] == &b.data[0]
}

func digestContent(hash uint64, n *node) uint64 {
	var b [8 * 3]byte
	binary.BigEndian.PutUint64(b[0:], hash)
	binary.BigEndian.PutUint64(b[8:], n.acl.hash)
	if n.data != nil {
		binary.BigEndian.PutUint64(b[16:], xxhash.Sum64(n.data))
	}
	return xxhash.Sum64(b[:])
}

func digestCounters(hash uint64, n *node) uint64 {
	var b [8 + countersSize]byte
	binary.BigEndian.PutUint64(b[:], hash)
	putCounters((*[countersSize]byte)(b[8:]), n)
	return xxhash.Sum64(b[:])
}

// digestOfCounters is digestCounters for counters that are written already.
func digestOfCounters(hash uint64, counters *[countersSize]byte) uint64 {
	var b [8 + countersSize]byte
	binary.BigEndian.PutUint64(b[:], hash)
	copy(b[8:], counters[:])
	return xxhash.Sum64(b[:])
}

// countersSize is the length of a znode's fixed fields in the digest and in a
// snapshot.
const countersSize = 1 + 6*8 + 4*4

// putCounters writes the kind, owner, zxids, times and counts, as the package
// doc lays them out.
func putCounters(b *[countersSize]byte, n *node) {
	wide := func(i int, v int64) { binary.BigEndian.PutUint64(b[1+8*i:], uint64(v)) }
	narrow := func(i int, v int32) { binary.BigEndian.PutUint32(b[49+4*i:], uint32(v)) }
	b[0] = byte(n.kind)
	wide(0, n.owner)
	wide(1, n.czxid)
	wide(2, n.mzxid)
	wide(3, n.pzxid)
	wide(4, n.ctime)
	wide(5, n.mtime)
	narrow(0, n.version)
	narrow(1, n.aversion)
	narrow(2, n.creates)
	narrow(3, n.numChildren)
}

// getCounters is the inverse of putCounters.
func getCounters(b *[countersSize]byte, n *node) {
	wide := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[1+8*i:])) }
	narrow := func(i int) int32 { return int32(binary.BigEndian.Uint32(b[49+4*i:])) }
	n.kind = kind(b[0])
	n.owner, n.czxid, n.mzxid, n.pzxid, n.ctime, n.mtime = wide(0), wide(1), wide(2), wide(3), wide(4), wide(5)
	n.version, n.aversion, n.creates, n.numChildren = narrow(0), narrow(1), narrow(2), narrow(3)
}
