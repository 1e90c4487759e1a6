package tree

import (
	"slices"

	"github.com/cespare/xxhash/v2"
)

// shardCount is how many parts the tree is in. A snapshot takes one part at a
// time, and a write never waits for more than one.
const shardCount = 1024

// A Tree holds all znodes. It is not safe for concurrent use, but for two
// things: reads may run together, and a [Capture] may be written while the
// tree goes on.
type Tree struct {
	// shards has every znode by its path, in the shard its hash gives.
	//
	// Invariant: every znode but the root has a parent, which is not
	// ephemeral and has the znode's name among its children.
	shards [shardCount]table[*node]

	acls       aclTable
	ephemerals map[int64]*nameSet // paths by session; no empty sets
	quotas     quotaPaths         // see quota.go

	subtrees subtrees // of where quotas were counted, see subtree.go

	lastZxid int64
	digest   uint64
	counts   Counts

	// capture is the snapshot being taken, nil if there is none. It must have
	// its copy of a shard before the shard changes.
	capture *Capture

	// undo lists what a multi has replaced so far, in order, while recording.
	undo      []replaced
	recording bool
}

// Counts sizes a tree.
type Counts struct {
	Znodes     int
	Ephemerals int
	Containers int
	TTLs       int
	Bytes      int64 // of paths and data
}

// replaced remembers what stood at path before; old is nil for nothing.
type replaced struct {
	path string
	old  *node
}

// New gives the tree a new ensemble starts with: the root, and below
// /zookeeper the znodes that clients expect there.
func New() *Tree {
	t := newTree()
	open := []ACL{{Perms: PermAll, Scheme: "world", ID: "anyone"}}
	readOnly := []ACL{{Perms: PermRead, Scheme: "world", ID: "anyone"}}
	t.replace(rootPath, &node{
		path: rootPath, data: []byte{}, acl: t.acls.intern(open), numChildren: 1, children: new(nameSet),
	})
	t.replace(systemPath, &node{
		path: systemPath, data: []byte{}, acl: t.acls.intern(open), numChildren: 2, children: new(nameSet),
	})
	t.replace(configPath, &node{path: configPath, data: []byte{}, acl: t.acls.intern(readOnly), aversion: -1})
	t.replace(quotaPath, &node{path: quotaPath, data: []byte{}, acl: t.acls.intern(open)})
	return t
}

func newTree() *Tree {
	return &Tree{
		acls:       newACLTable(),
		ephemerals: make(map[int64]*nameSet),
		subtrees:   subtrees{byPath: make(map[string]*subtree)},
	}
}

// Len is the number of znodes.
func (t *Tree) Len() int { return t.counts.Znodes }

// Counts sizes the tree.
func (t *Tree) Counts() Counts { return t.counts }

// Digest is a hash of all that clients can learn of the tree and all that
// decides what will come of later transactions, but for the last zxid.
func (t *Tree) Digest() uint64 { return t.digest }

// LastZxid is that of the last transaction applied.
func (t *Tree) LastZxid() int64 { return t.lastZxid }

func shardOf(hash uint64) int { return int(hash % shardCount) }

// find gives the znode at path, or nil.
func (t *Tree) find(path string) *node {
	return t.shards[shardOf(xxhash.Sum64String(path))].get(path)
}

// replace puts n at path, or takes away what is there if n is nil, and keeps
// all that is derived from the znodes in step. It is its own inverse: putting
// the old node back restores everything.
func (t *Tree) replace(path string, n *node) {
	hash := xxhash.Sum64String(path)
	shard := shardOf(hash)
	t.keepForCapture(shard)

	old := t.shards[shard].get(path)
	if t.recording {
		t.undo = append(t.undo, replaced{path, old})
	}
	t.digest += digestChange(hash, old, n)
	if n != nil {
		t.shards[shard].put(n)
		t.acls.retain(n.acl)
		t.counts.Bytes += int64(len(n.path) + len(n.data))
	} else {
		t.shards[shard].remove(path)
	}
	if old != nil {
		t.acls.release(old.acl)
		t.counts.Bytes -= int64(len(old.path) + len(old.data))
	}
	switch {
	case old == nil && n != nil:
		t.link(n)
	case old != nil && n == nil:
		t.unlink(old)
	}
	t.keepSubtrees(path, old, n)
}

// link makes a new znode known to its parent and its session. The parent's
// record already counts it.
func (t *Tree) link(n *node) {
	t.counts.Znodes++
	if parent, name, _ := split(n.path); name != "" {
		t.find(parent).children.add(name)
	}
	t.counts.kind(n, 1)
	t.list(n)
}

// list makes a new znode known to its session and to the quotas.
func (t *Tree) list(n *node) {
	t.linkQuota(n)
	if n.kind != ephemeral {
		return
	}
	paths := t.ephemerals[n.owner]
	if paths == nil {
		paths = new(nameSet)
		t.ephemerals[n.owner] = paths
	}
	paths.add(n.path)
}

func (t *Tree) unlink(n *node) {
	t.counts.Znodes--
	if parent, name, _ := split(n.path); name != "" {
		t.find(parent).children.remove(name)
	}
	t.counts.kind(n, -1)
	t.unlinkQuota(n)
	if n.kind != ephemeral {
		return
	}
	paths := t.ephemerals[n.owner]
	paths.remove(n.path)
	if paths.len() == 0 {
		delete(t.ephemerals, n.owner)
	}
}

func (c *Counts) add(o Counts) {
	c.Znodes += o.Znodes
	c.Bytes += o.Bytes
	c.Ephemerals += o.Ephemerals
	c.Containers += o.Containers
	c.TTLs += o.TTLs
}

// kind counts a znode among those of its kind.
func (c *Counts) kind(n *node, by int) {
	switch n.kind {
	case ephemeral:
		c.Ephemerals += by
	case container:
		c.Containers += by
	case ttl:
		c.TTLs += by
	}
}

// maxUndoKept bounds the memory that waits for the next multi.
const maxUndoKept = 1024

// record begins to note what is replaced.
func (t *Tree) record() { t.recording = true }

// commit ends the noting and forgets.
func (t *Tree) commit() {
	t.recording = false
	clear(t.undo) // for the garbage collector
	t.undo = t.undo[:0]
	if cap(t.undo) > maxUndoKept {
		t.undo = nil
	}
}

// rollback ends the noting and puts everything back.
func (t *Tree) rollback() {
	t.recording = false
	for _, r := range slices.Backward(t.undo) {
		t.replace(r.path, r.old)
	}
	t.commit()
}
