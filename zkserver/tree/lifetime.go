package tree

// Containers and TTL znodes go by themselves: someone outside looks for those
// whose time is over, with [Tree.Overdue], and has each removed by an [Expire]
// at its place in the total order. (ContainerManager in the reference.)

// overdue reports whether a container or TTL znode may go at this time. unused is
// how long a container without children may wait for its first, in milliseconds;
// 0 is for ever.
func (n *node) overdue(now, unused int64) bool {
	if n.numChildren > 0 {
		return false
	}
	switch n.kind {
	case container:
		return n.creates > 0 || unused > 0 && now-n.mtime > unused
	case ttl:
		return now-n.mtime > n.owner
	}
	return false
}

// Overdue lists the znodes in one part of the tree, see [Parts], that an Expire
// would remove at this time.
func (t *Tree) Overdue(part int, now, unused int64) []string {
	if t.counts.Containers+t.counts.TTLs == 0 {
		return nil
	}
	var paths []string
	for n := range t.shards[part].all() {
		if n.overdue(now, unused) {
			paths = append(paths, n.path)
		}
	}
	return paths
}

// expire removes a container or TTL znode if its time is still over.
func (t *Tree) expire(txn *Txn, op Expire) Result {
	n := t.find(op.Path)
	switch {
	case n == nil:
		return Result{Err: ErrNoNode}
	case n.numChildren > 0:
		return Result{Err: ErrNotEmpty}
	case !n.overdue(txn.Time, op.Unused):
		return Result{Err: ErrBadVersion}
	}
	return Result{Changes: t.remove(txn, n, nil)}
}
