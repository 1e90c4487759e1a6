package tree

import (
	"slices"
	"strings"
)

// Get gives a znode's data and stat. It needs the permission to read. The data
// is the tree's own: the caller must not write to it, and may keep it.
func (t *Tree) Get(path string, auth []ID) (data []byte, stat Stat, err error) {
	n, err := t.readable(path, PermRead, auth)
	if err != nil {
		return nil, Stat{}, err
	}
	return n.data, n.stat(), nil
}

// Exists gives a znode's stat, to anyone.
func (t *Tree) Exists(path string) (Stat, error) {
	n := t.findRead(path)
	if n == nil {
		return Stat{}, ErrNoNode
	}
	return n.stat(), nil
}

// Children gives the names of a znode's children, in no order, in a slice of
// the caller's. It needs the permission to read.
func (t *Tree) Children(path string, auth []ID) (names []string, stat Stat, err error) {
	n, err := t.readable(path, PermRead, auth)
	if err != nil {
		return nil, Stat{}, err
	}
	if n.children != nil {
		names = n.children.names()
	}
	return names, n.stat(), nil
}

// ACL gives a znode's ACL. It needs the permission to read or to administer;
// without the latter the hashes of digest identities are masked.
func (t *Tree) ACL(path string, auth []ID) ([]ACL, Stat, error) {
	n, err := t.readable(path, PermRead|PermAdmin, auth)
	if err != nil {
		return nil, Stat{}, err
	}
	if !n.acl.allows(PermAdmin, auth) {
		return masked(n.acl.acl), n.stat(), nil
	}
	return slices.Clone(n.acl.acl), n.stat(), nil
}

// ChildrenNumber counts the znodes below path, at any depth. It needs the
// permission to read path only, and takes time in proportion to the tree: see
// [Tree.CountBelow] for how not to hold it all the while.
func (t *Tree) ChildrenNumber(path string, auth []ID) (int, error) {
	n, err := t.readable(path, PermRead, auth)
	if err != nil || n.numChildren == 0 {
		return 0, err
	}
	count := 0
	for part := range Parts {
		count += t.CountBelow(path, part)
	}
	return count, nil
}

// Parts is how many parts [Tree.CountBelow] looks at a tree in.
const Parts = shardCount

// CountBelow counts the znodes below path in one part of the tree. A znode is in
// the same part for as long as it is there.
func (t *Tree) CountBelow(path string, part int) int {
	prefix := strings.TrimSuffix(path, "/") + "/"
	count := 0
	for n := range t.shards[part].all() {
		if len(n.path) > len(prefix) && strings.HasPrefix(n.path, prefix) {
			count++
		}
	}
	return count
}

// Ephemerals gives the paths of a session's ephemeral znodes that begin with
// prefix, in no order, in a slice of the caller's. An empty prefix and "/" mean
// all.
func (t *Tree) Ephemerals(session int64, prefix string) []string {
	set := t.ephemerals[session]
	if set == nil {
		return nil
	}
	return slices.DeleteFunc(set.names(), func(path string) bool {
		return !strings.HasPrefix(path, prefix)
	})
}

// readable gives the znode at path, if one of the permissions in perm is
// granted to these identities.
func (t *Tree) readable(path string, perm int32, auth []ID) (*node, error) {
	n := t.findRead(path)
	if n == nil {
		return nil, ErrNoNode
	}
	if !n.acl.allows(perm, auth) {
		return nil, ErrNoAuth
	}
	return n, nil
}

// findRead is find for reads, in which an empty path is the root's.
func (t *Tree) findRead(path string) *node {
	if path == "" {
		path = rootPath
	}
	return t.find(path)
}
