package tree

import (
	"cmp"
	"slices"
)

// Apply decides a transaction and carries it out. It keeps the paths, data and
// ACLs it is given: the caller must not write to them again. No input makes it
// panic.
func (t *Tree) Apply(txn Txn) Result {
	t.lastZxid = txn.Zxid
	switch op := txn.Op.(type) {
	case Multi:
		return t.multi(&txn, op.Ops)
	case CloseSession:
		return t.closeSession(&txn)
	case Expire:
		return t.expire(&txn, op)
	default:
		return t.one(&txn, op)
	}
}

// one applies a single operation. If it fails, nothing has changed.
func (t *Tree) one(txn *Txn, op Op) Result {
	switch op := op.(type) {
	case Create:
		return t.create(txn, op)
	case Delete:
		return t.delete(txn, op)
	case SetData:
		return t.setData(txn, op)
	case SetConfig:
		return t.setConfig(txn, op)
	case SetACL:
		return t.setACL(txn, op)
	case Check:
		return t.check(txn, op)
	case Refused:
		return Result{Err: op.Err}
	}
	return Result{Err: ErrUnimplemented}
}

func (t *Tree) multi(txn *Txn, ops []Op) Result {
	r := Result{Ops: make([]Result, len(ops))}
	t.record()
	for i, op := range ops {
		done := t.one(txn, op)
		if done.Err != nil {
			t.rollback()
			if done.Err == ErrUndecodable {
				return Result{Err: done.Err}
			}
			return refusedMulti(r.Ops, i, done.Err)
		}
		r.Changes = append(r.Changes, done.Changes...)
		r.OverQuota = cmp.Or(r.OverQuota, done.OverQuota)
		done.Changes = nil
		r.Ops[i] = done
	}
	t.commit()
	return r
}

// refusedMulti is the answer to a multi whose operation i failed: those before
// it are undone but not at fault, those after it were not looked at.
func refusedMulti(ops []Result, i int, err error) Result {
	clear(ops)
	ops[i].Err = err
	for j := i + 1; j < len(ops); j++ {
		ops[j].Err = ErrRuntimeInconsistency
	}
	return Result{Err: err, Ops: ops}
}

func (t *Tree) closeSession(txn *Txn) Result {
	var r Result
	paths := t.Ephemerals(txn.Session, "")
	slices.Sort(paths) // every member tells of them in the same order
	for _, path := range paths {
		r.Changes = t.remove(txn, t.find(path), r.Changes)
	}
	return r
}

// remove takes away a znode without children and appends the changes.
func (t *Tree) remove(txn *Txn, n *node, changes []Change) []Change {
	parentPath, _, _ := split(n.path)
	t.replace(n.path, nil)

	parent := *t.find(parentPath)
	parent.numChildren--
	parent.pzxid = txn.Zxid
	if parent.numChildren == 0 {
		parent.children = nil
	}
	t.replace(parent.path, &parent)
	t.charge(n.path, -int64(len(n.data)), -1)

	changes = slices.Grow(changes, 2)
	return append(changes,
		Change{Kind: Deleted, Path: n.path, acl: n.acl},
		Change{Kind: ChildrenChanged, Path: parent.path, acl: parent.acl})
}
