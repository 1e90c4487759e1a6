package tree

import (
	"fmt"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"
)

// An intake is what one goroutine notes of the znodes that it puts into shards,
// while they are at hand: what they add up to, and whose children they are.
type intake struct {
	digest uint64
	counts Counts
	listed []*node // ephemeral ones, and those that may set quotas

	// links has the znodes by the share that their parents are in: shards are
	// dealt out by number.
	links []linkList
}

// A linkList grows without leaving its old self as garbage, while nothing is
// collected.
type linkList [][]link

const linksAtOnce = 4096

func (l *linkList) add(v link) {
	if last := len(*l) - 1; last >= 0 && len((*l)[last]) < linksAtOnce {
		(*l)[last] = append((*l)[last], v)
		return
	}
	*l = append(*l, append(make([]link, 0, linksAtOnce), v))
}

// A link is a znode and the hash of its parent's path.
type link struct {
	parent uint64
	child  *node
}

func newIntake(shares int) *intake { return &intake{links: make([]linkList, shares)} }

// take notes a znode. hash is that of its path.
func (in *intake) take(n *node, hash uint64) {
	in.digest += digestChange(hash, nil, n)
	in.counts.Znodes++
	in.counts.Bytes += int64(len(n.path) + len(n.data))
	in.counts.kind(n, 1)
	if n.kind == ephemeral || strings.HasPrefix(n.path, quotaPath) {
		in.listed = append(in.listed, n)
	}
	if n.path == rootPath {
		return
	}
	parentPath, _, _ := split(n.path)
	parent := xxhash.Sum64String(parentPath)
	share := shardOf(parent) % len(in.links)
	in.links[share].add(link{parent, n})
}

// adopt turns znodes that are in their shards, and nothing more, into a tree, or
// says what rule of a tree they break. The intakes have all of them, in the same
// number of shares. Nodes may be written to here: no one else has seen them.
func (t *Tree) adopt(intakes []*intake) error {
	for _, path := range [...]string{rootPath, systemPath, configPath, quotaPath} {
		if t.find(path) == nil {
			return fmt.Errorf("%q is missing", path)
		}
	}
	for _, in := range intakes {
		t.digest += in.digest
		t.counts.add(in.counts)
		for _, n := range in.listed {
			t.list(n)
		}
	}
	// A record that claims more children than there are znodes must not cost
	// their memory; neither must many of them.
	var room atomic.Int64
	room.Store(int64(t.counts.Znodes))
	var g errgroup.Group
	shares := len(intakes[0].links)
	for share := range shares {
		g.Go(func() error { // writes to the znodes of its shards alone
			for _, in := range intakes {
				for _, some := range in.links[share] {
					for _, l := range some {
						if err := t.linkChild(l, &room); err != nil {
							return err
						}
					}
				}
				in.links[share] = nil
			}
			return t.checkShare(share, shares)
		})
	}
	return g.Wait()
}

// linkChild makes a znode known to its parent. room is for how many names there
// may be room in advance.
func (t *Tree) linkChild(l link, room *atomic.Int64) error {
	parentPath, name, _ := split(l.child.path)
	parent := t.shards[shardOf(l.parent)].get(parentPath)
	if parent == nil {
		return fmt.Errorf("%q has no parent", l.child.path)
	}
	if parent.kind == ephemeral {
		return fmt.Errorf("the parent of %q is ephemeral", l.child.path)
	}
	if parent.children == nil {
		parent.children = new(nameSet)
		if n := int64(parent.numChildren); n > 0 && room.Add(-n) >= 0 {
			parent.children.expect(int(n))
		}
	}
	parent.children.add(name)
	return nil
}

// checkShare holds the children that were linked against the records, in a
// share of the shards.
func (t *Tree) checkShare(share, shares int) error {
	for shard := share; shard < shardCount; shard += shares {
		for n := range t.shards[shard].all() {
			if err := checkChildren(n); err != nil {
				return err
			}
		}
	}
	return nil
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
