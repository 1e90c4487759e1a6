package tree

import (
	"fmt"
	"iter"
	"runtime"
	"strings"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"
)

// adopt turns the znodes of a snapshot into a tree and holds it against the
// snapshot's header.
func (t *Tree) adopt(h header) error {
	if err := t.adoptAll(); err != nil {
		return err
	}
	if uint64(t.counts.Znodes) != h.znodes {
		return fmt.Errorf("%d znodes, the header says %d", t.counts.Znodes, h.znodes)
	}
	if t.digest != h.digest {
		return fmt.Errorf("digest is %016x, the header says %016x", t.digest, h.digest)
	}
	return nil
}

// adoptAll turns znodes that are in their shards, and nothing more, into a
// tree, or says what rule of a tree they break. Nodes may be written to here: no
// one else has seen them.
func (t *Tree) adoptAll() error {
	for _, path := range [...]string{rootPath, systemPath, configPath, quotaPath} {
		if t.find(path) == nil {
			return fmt.Errorf("%q is missing", path)
		}
	}
	workers := make([]adopter, runtime.GOMAXPROCS(0))
	znodes := 0
	for i := range t.shards {
		znodes += t.shards[i].used
	}
	for _, step := range []func(*adopter) error{(*adopter).link, (*adopter).check} {
		var g errgroup.Group
		for i := range workers {
			a := &workers[i]
			a.tree, a.share, a.shares, a.znodes = t, i, len(workers), znodes
			g.Go(func() error { return step(a) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	for i := range workers {
		workers[i].deliver()
	}
	return nil
}

// An adopter does a share of the work of adoptAll: all that concerns the znodes
// of every shares-th shard. It writes to these alone.
type adopter struct {
	tree          *Tree
	share, shares int
	znodes        int // of the tree: a record that claims more children must not cost their memory

	digest uint64
	counts Counts
	listed []*node // ephemeral ones, and those that set quotas
}

func (a *adopter) mine(shard int) bool { return shard%a.shares == a.share }

// link counts the znodes of the share, and makes all znodes whose parents are
// in it known to them.
func (a *adopter) link() error {
	for shard := range a.tree.shards {
		for n := range a.tree.shards[shard].all() {
			if a.mine(shard) {
				a.count(n)
			}
			if n.path == rootPath {
				continue
			}
			parentPath, name, _ := split(n.path)
			hash := xxhash.Sum64String(parentPath)
			if !a.mine(shardOf(hash)) {
				continue
			}
			parent := a.tree.shards[shardOf(hash)].get(hash, parentPath)
			if parent == nil {
				return fmt.Errorf("%q has no parent", n.path)
			}
			if parent.kind == ephemeral {
				return fmt.Errorf("the parent of %q is ephemeral", n.path)
			}
			if parent.children == nil {
				parent.children = new(nameSet)
				parent.children.expect(min(int(parent.numChildren), a.znodes))
			}
			parent.children.add(name)
		}
	}
	return nil
}

func (a *adopter) count(n *node) {
	a.digest += digestChange(xxhash.Sum64String(n.path), nil, n)
	a.counts.Znodes++
	a.counts.Bytes += int64(len(n.path) + len(n.data))
	a.counts.kind(n, 1)
	if n.kind == ephemeral || strings.HasPrefix(n.path, quotaPath) {
		a.listed = append(a.listed, n)
	}
}

// check holds the children that were linked against the records.
func (a *adopter) check() error {
	for shard := range a.tree.shards {
		if !a.mine(shard) {
			continue
		}
		for n := range a.tree.shards[shard].all() {
			if err := checkChildren(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver adds what the share came to.
func (a *adopter) deliver() {
	t := a.tree
	t.digest += a.digest
	t.counts.Znodes += a.counts.Znodes
	t.counts.Bytes += a.counts.Bytes
	t.counts.Ephemerals += a.counts.Ephemerals
	t.counts.Containers += a.counts.Containers
	t.counts.TTLs += a.counts.TTLs
	for _, n := range a.listed {
		t.list(n)
	}
}

// all yields every znode, in no order.
func (t *Tree) all() iter.Seq[*node] {
	return func(yield func(*node) bool) {
		for i := range t.shards {
			for n := range t.shards[i].all() {
				if !yield(n) {
					return
				}
			}
		}
	}
}

func checkChildren(n *node) error {
	have := 0
	if n.children != nil {
		have = n.children.len()
	}
	if have != int(n.numChildren) {
		return fmt.Errorf("%q has %d children, its record says %d", n.path, have, n.numChildren)
	}
	return nil
}
