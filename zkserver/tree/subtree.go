package tree

// What is below a quota must be counted when its stats are created, and a client
// may create and delete them as often as it likes. So what was counted once is
// kept, for every znode with children at and below the one that was asked for,
// and follows the changes from then on: a znode is looked at once in its life,
// however often it is asked for, and by whatever path above it. A tree nobody
// asks keeps nothing; one that is asked keeps about a hundred bytes for each
// znode with children.

// A subtree is what is at and below one znode, which has children.
type subtree struct {
	up          *subtree // that of the parent; nil if the parent has none
	count, size int64    // znodes, and bytes of their data
}

// add adds to a subtree and to all those that it is in.
func (s *subtree) add(count, size int64) {
	for ; s != nil; s = s.up {
		s.count += count
		s.size += size
	}
}

// subtrees has what was counted.
type subtrees struct {
	// Invariant: if a znode is here, it has children, and so is every znode
	// below it that has children.
	byPath map[string]*subtree

	visited int // znodes that were looked at, in all
}

// sizeOf counts the znodes at and below path, and their data.
func (t *Tree) sizeOf(path string) (count, size int64) {
	s := t.subtrees.byPath[path]
	if s == nil {
		n := t.find(path)
		if n == nil {
			return 0, 0
		}
		if n.numChildren == 0 {
			return 1, int64(len(n.data))
		}
		s = t.countBelow(n)
	}
	return s.count, s.size
}

// countBelow makes the subtree of a znode with children, and of all those below
// it that have any.
func (t *Tree) countBelow(top *node) *subtree {
	type counting struct {
		node *node // nil if what is below was counted before
		sum  *subtree
	}
	begin := func(n *node, up *subtree) counting {
		s := &subtree{up: up, count: 1, size: int64(len(n.data))}
		t.subtrees.byPath[n.path] = s
		return counting{n, s}
	}
	found := []counting{begin(top, nil)} // parents before their children
	for i := 0; i < len(found); i++ {
		n, sum := found[i].node, found[i].sum
		if n == nil {
			continue
		}
		for _, name := range n.children.names() {
			child := t.find(join(n.path, name))
			t.subtrees.visited++
			if child.numChildren == 0 {
				sum.count++
				sum.size += int64(len(child.data))
			} else if known := t.subtrees.byPath[child.path]; known != nil {
				known.up = sum
				found = append(found, counting{nil, known})
			} else {
				found = append(found, begin(child, sum))
			}
		}
	}
	for i := len(found) - 1; i > 0; i-- {
		s := found[i].sum
		s.up.count += s.count
		s.up.size += s.size
	}
	return found[0].sum
}

// keepSubtrees keeps the subtrees in step with a znode at path that goes from
// old to n, of which either may be nil. It comes after the change.
func (t *Tree) keepSubtrees(path string, old, n *node) {
	if len(t.subtrees.byPath) == 0 {
		return
	}
	switch {
	case old == nil && n != nil:
		t.subtreeAround(path).add(1, int64(len(n.data)))
	case old != nil && n == nil:
		parent, _, _ := split(path)
		s := t.subtrees.byPath[parent]
		s.add(-1, -int64(len(old.data)))
		if s != nil && s.count == 1 { // that was the last child
			delete(t.subtrees.byPath, parent)
		}
	case old != nil && n != nil && len(old.data) != len(n.data):
		s := t.subtrees.byPath[path]
		if s == nil {
			parent, _, _ := split(path)
			s = t.subtrees.byPath[parent]
		}
		s.add(0, int64(len(n.data)-len(old.data)))
	}
}

// subtreeAround gives the subtree of the parent of a new znode, if it is to have
// one. With its first child a znode gets one where its own parent has.
func (t *Tree) subtreeAround(path string) *subtree {
	parentPath, _, _ := split(path)
	if s := t.subtrees.byPath[parentPath]; s != nil {
		return s
	}
	above, _, _ := split(parentPath)
	up := t.subtrees.byPath[above]
	if up == nil {
		return nil
	}
	parent := t.find(parentPath)
	s := &subtree{up: up, count: 1, size: int64(len(parent.data))}
	t.subtrees.byPath[parent.path] = s
	return s
}
