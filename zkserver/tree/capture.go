package tree

import (
	"sync"
	"sync/atomic"
)

// A Capture is the tree as it was at one moment. Taking it copies nothing: each
// shard is copied, as pointers to its nodes, when [Capture.WriteTo] comes to it
// or just before the tree first changes it, whichever is sooner. So a write
// waits for the copy of its own shards at most, and never for the writer.
type Capture struct {
	header header
	tree   *Tree
	shards [shardCount]capturedShard

	written atomic.Bool // WriteTo was called
	over    atomic.Bool // nothing more will be read from the tree
}

type capturedShard struct {
	taken atomic.Bool // nodes is the copy

	mu    sync.Mutex // held while copying
	nodes []*node    // belongs to WriteTo once taken
}

// Capture begins a snapshot of the tree as it is. It should be written, with
// [Capture.WriteTo], or given up, with [Capture.Discard], before the next one
// begins; otherwise the next one waits for the copy of all shards that the tree
// still owes the first.
func (t *Tree) Capture() *Capture {
	if t.capture != nil {
		for shard := range t.shards {
			t.keepForCapture(shard)
		}
	}
	t.capture = &Capture{
		header: header{zxid: t.lastZxid, digest: t.digest, znodes: uint64(t.counts.Znodes)},
		tree:   t,
	}
	return t.capture
}

// Discard gives the snapshot up: the tree copies nothing more for it, and lets go
// of what it has at its next change. It may be called on another goroutine than
// the tree's, not beside [Capture.WriteTo]; after that one it does nothing.
func (c *Capture) Discard() {
	c.written.Store(true)
	c.over.Store(true)
}

// keepForCapture must come before a change to a shard.
func (t *Tree) keepForCapture(shard int) {
	switch {
	case t.capture == nil:
	case t.capture.over.Load():
		t.capture = nil
	default:
		t.capture.take(shard)
	}
}

// take copies a shard unless that is done. It is called by the tree's owner and
// by WriteTo. The shard may be read here: the tree's owner does not write to it
// before its own take has returned.
func (c *Capture) take(shard int) {
	s := &c.shards[shard]
	if s.taken.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken.Load() {
		return
	}
	s.nodes = c.tree.shards[shard].appendAll(nil)
	s.taken.Store(true)
}

// give hands a shard's nodes to WriteTo.
func (c *Capture) give(shard int) []*node {
	c.take(shard)
	nodes := c.shards[shard].nodes
	c.shards[shard].nodes = nil
	return nodes
}
