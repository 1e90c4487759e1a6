package tree

import (
	"fmt"
	"iter"

	"github.com/cespare/xxhash/v2"
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
// tree, or says what rule of a tree they break.
func (t *Tree) adoptAll() error {
	for _, path := range [...]string{rootPath, systemPath, configPath, quotaPath} {
		if t.find(path) == nil {
			return fmt.Errorf("%q is missing", path)
		}
	}
	for n := range t.all() {
		if err := t.adoptNode(n); err != nil {
			return err
		}
	}
	for n := range t.all() {
		if err := checkChildren(n); err != nil {
			return err
		}
	}
	return nil
}

// all yields every znode, in no order.
func (t *Tree) all() iter.Seq[*node] {
	return func(yield func(*node) bool) {
		for i := range t.shards {
			for _, n := range t.shards[i] {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// adoptNode links one znode and counts it. Nodes may be written to here: no
// one else has seen them.
func (t *Tree) adoptNode(n *node) error {
	if n.path != rootPath {
		parentPath, _, _ := split(n.path)
		parent := t.find(parentPath)
		if parent == nil {
			return fmt.Errorf("%q has no parent", n.path)
		}
		if parent.kind == ephemeral {
			return fmt.Errorf("the parent of %q is ephemeral", n.path)
		}
		if parent.children == nil {
			parent.children = new(nameSet)
		}
	}
	t.digest += digestChange(xxhash.Sum64String(n.path), nil, n)
	t.counts.Bytes += int64(len(n.path) + len(n.data))
	t.link(n)
	return nil
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
