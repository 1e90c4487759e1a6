package tree

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"
)

// An intake is what one goroutine notes of the znodes that it puts into shards,
// while they are at hand: what they add up to, and whose children they are.
type intake struct {
	digest  uint64
	counts  Counts
	listed  []*node // ephemeral ones, and those that may set quotas
	parents []*node // those whose records say that they have children

	// links has the znodes by the share that their parents are in: shards are
	// dealt out by number.
	links [shareCount]linkList
}

// shareCount is in how many shares znodes are linked to their parents: so many
// that the names of a share's children are in the caches of a CPU together, and
// so few that all the ends of the lists are.
const shareCount = 64

// A linkList grows without leaving its old self as garbage, while nothing is
// collected.
type linkList [][]link

const (
	leastLinks = 16
	mostLinks  = 1024
)

func (l *linkList) add(v link) {
	last := len(*l) - 1
	if last >= 0 && len((*l)[last]) < cap((*l)[last]) {
		(*l)[last] = append((*l)[last], v)
		return
	}
	size := leastLinks
	if last >= 0 {
		size = min(mostLinks, 2*cap((*l)[last]))
	}
	*l = append(*l, append(make([]link, 0, size), v))
}

// A link is what a parent needs to know of a child: it is made while the child is
// at hand, and used when it no longer is.
type link struct {
	path   string // of the child
	tag    uint32 // of its name
	parent uint32 // of the hash of the parent's path; enough for its shard
}

// take notes a znode. hash is that of its path, counters what its record has.
func (in *intake) take(n *node, hash uint64, counters *[countersSize]byte) {
	in.digest += digestContent(hash, n) + digestOfCounters(hash, counters)
	in.counts.Znodes++
	in.counts.Bytes += int64(len(n.path) + len(n.data))
	in.counts.kind(n, 1)
	if n.kind == ephemeral || strings.HasPrefix(n.path, quotaPath) {
		in.listed = append(in.listed, n)
	}
	if n.numChildren != 0 {
		in.parents = append(in.parents, n)
	}
	if n.path == rootPath {
		return
	}
	parentPath, name := cut(n.path)
	parent := uint32(xxhash.Sum64String(parentPath))
	in.links[shareOf(parent)].add(link{n.path, tag(name), parent})
}

// shareOf gives the share of a parent: one that has its shard.
func shareOf(parent uint32) int { return int(parent % shareCount) }

// cut is split for a valid path, but the root's.
func cut(path string) (parent, name string) {
	slash := strings.LastIndexByte(path, '/')
	return path[:max(1, slash)], path[slash+1:]
}

// adopt turns znodes that are in their shards, and nothing more, into a tree, or
// says what rule of a tree they break. The intakes have all of them. Nodes may be
// written to here: no one else has seen them.
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
	if err := t.linkAll(intakes); err != nil {
		return err
	}
	for _, in := range intakes {
		for _, n := range in.parents {
			if err := checkChildren(n); err != nil {
				return err
			}
		}
	}
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

// linkAll makes all znodes known to their parents, share by share on all CPUs.
func (t *Tree) linkAll(intakes []*intake) error {
	// A record that claims more children than there are znodes must not cost
	// their memory; neither must many of them.
	var room atomic.Int64
	room.Store(int64(t.counts.Znodes))
	var next atomic.Int32
	var g errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error { // writes to the znodes of the shares it takes alone
			for {
				share := int(next.Add(1)) - 1
				if share >= shareCount {
					return nil
				}
				if err := t.linkShare(share, intakes, &room); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// linkShare makes the znodes of one share known to their parents. room is for
// how many names there may be room in advance.
func (t *Tree) linkShare(share int, intakes []*intake, room *atomic.Int64) error {
	var recent [256]*node // parents that were found, by their hashes
	for _, in := range intakes {
		for _, some := range in.links[share] {
			if !absolute(some) {
				return errors.New("a path does not begin with a slash")
			}
			for _, l := range some {
				parentPath, name := cut(l.path)
				at := &recent[l.parent/shareCount%uint32(len(recent))]
				if *at == nil || (*at).path != parentPath {
					parent, err := t.parentOf(l, parentPath, room)
					if err != nil {
						return err
					}
					*at = parent
				}
				(*at).children.addTagged(l.tag, name)
			}
		}
		in.links[share] = nil
	}
	return nil
}

// absolute reports what is so. It brings the paths into the caches of the CPU,
// which can wait for many of them at a time here, and not where each is worked on.
func absolute(links []link) bool {
	for i := range links {
		if links[i].path[0] != '/' {
			return false
		}
	}
	return true
}

// parentOf gives the znode that a link is to, ready to be told of children.
func (t *Tree) parentOf(l link, path string, room *atomic.Int64) (*node, error) {
	parent := t.shards[shardOf(uint64(l.parent))].get(path)
	switch {
	case parent == nil:
		return nil, fmt.Errorf("%q has no parent", l.path)
	case parent.kind == ephemeral:
		return nil, fmt.Errorf("the parent of %q is ephemeral", l.path)
	case parent.numChildren <= 0:
		return nil, fmt.Errorf("%q has children, its record says %d", path, parent.numChildren)
	}
	if parent.children == nil {
		parent.children = new(nameSet)
		if n := int64(parent.numChildren); room.Add(-n) >= 0 {
			parent.children.expect(int(n))
		}
	}
	return parent, nil
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
