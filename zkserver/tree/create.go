package tree

import "fmt"

// maxTTL is the longest time to live the reference can store, in milliseconds.
const maxTTL = 1<<40 - 1

// create makes a znode. The order of its checks is the reference's
// (PrepRequestProcessor.pRequest2TxnCreate): a client that makes two mistakes
// is told of the same one by both.
func (t *Tree) create(txn *Txn, op Create) Result {
	if op.Mode >= modeEnd || !validTTL(op) {
		return Result{Err: ErrBadArguments}
	}
	parentPath, _, ok := split(op.Path)
	if !ok {
		return Result{Err: ErrBadArguments}
	}
	acl, err := resolveACL(op.ACL, txn.Auth)
	if err != nil {
		return Result{Err: err}
	}
	parent := t.find(parentPath)
	if parent == nil {
		return Result{Err: ErrNoNode}
	}
	if !parent.acl.allows(PermCreate, txn.Auth) {
		return Result{Err: ErrNoAuth}
	}
	path := op.Path
	if op.Mode.sequential() {
		path = fmt.Sprintf("%s%010d", path, parent.creates)
	}
	if !validPath(path) {
		return Result{Err: ErrBadArguments}
	}
	if t.find(path) != nil {
		return Result{Err: ErrNodeExists}
	}
	if parent.kind == ephemeral {
		return Result{Err: ErrNoChildrenForEphemerals}
	}
	n := newNode(txn, op, path)
	n.acl = t.acls.intern(acl)
	return t.insert(txn, parent, n)
}

func validTTL(op Create) bool {
	if op.Mode.ttl() {
		return 0 < op.TTL && op.TTL <= maxTTL
	}
	return op.TTL <= 0
}

func newNode(txn *Txn, op Create, path string) *node {
	n := &node{
		path:  path,
		data:  op.Data,
		czxid: txn.Zxid,
		mzxid: txn.Zxid,
		pzxid: txn.Zxid,
		ctime: txn.Time,
		mtime: txn.Time,
	}
	switch {
	case op.Mode.ephemeral():
		n.kind, n.owner = ephemeral, txn.Session
	case op.Mode.ttl():
		n.kind, n.owner = ttl, op.TTL
	case op.Mode == Container:
		n.kind = container
	}
	return n
}

// insert puts a new znode below its parent.
func (t *Tree) insert(txn *Txn, old *node, n *node) Result {
	parent := *old
	parent.creates++
	parent.numChildren++
	parent.pzxid = txn.Zxid
	if parent.children == nil {
		parent.children = new(nameSet)
	}
	t.replace(parent.path, &parent)
	t.replace(n.path, n)
	return Result{
		Path: n.path,
		Stat: n.stat(),
		Changes: []Change{
			{Kind: Created, Path: n.path, acl: n.acl},
			{Kind: ChildrenChanged, Path: parent.path, acl: parent.acl},
		},
	}
}
