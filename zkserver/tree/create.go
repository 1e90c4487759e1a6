package tree

import "fmt"

// maxTTL is the longest time to live the reference can store, in milliseconds.
const maxTTL = 1<<40 - 1

// create makes a znode. The order of its checks is the reference's
// (PrepRequestProcessor.pRequest2TxnCreate): a client that makes two mistakes
// is told of the same one by both.
func (t *Tree) create(txn *Txn, op Create) Result {
	if err := checkMode(txn, op); err != nil {
		return Result{Err: err}
	}
	parentPath, _, ok := split(op.Path)
	if !ok {
		return Result{Err: ErrBadArguments}
	}
	acl, err := resolveACL(op.ACL, txn)
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
	var r Result
	if err := checkQuotaData(txn, path, op.Data); err != nil {
		return Result{Err: err}
	}
	if err := t.allowance(txn, path, int64(len(op.Data)), 1, &r); err != nil {
		return Result{Err: err}
	}
	n := newNode(txn, op, path)
	n.acl = t.acls.intern(acl)
	r.Path, r.Stat = n.path, n.stat()
	r.Changes = t.insert(txn, parent, n)
	return r
}

func checkMode(txn *Txn, op Create) error {
	switch {
	case op.Mode >= modeEnd:
		return ErrBadArguments
	case op.Mode.container() && txn.Rules&NoContainers != 0, op.Mode.ttl() && txn.Rules&NoTTL != 0:
		return ErrUnimplemented
	case op.Mode.ttl() && (op.TTL <= 0 || op.TTL > maxTTL), !op.Mode.ttl() && op.TTL > 0:
		return ErrBadArguments
	}
	return nil
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
	case op.Mode.container():
		n.kind = container
	}
	return n
}

// insert puts a new znode below its parent.
func (t *Tree) insert(txn *Txn, old *node, n *node) []Change {
	parent := *old
	parent.creates++
	parent.numChildren++
	parent.pzxid = txn.Zxid
	if parent.children == nil {
		parent.children = new(nameSet)
	}
	t.replace(parent.path, &parent)
	t.replace(n.path, n)
	if of, name, ok := quotaZnode(n.path); ok && name == quotaStatsName {
		t.recount(of)
	}
	t.charge(n.path, int64(len(n.data)), 1)
	return []Change{
		{Kind: Created, Path: n.path, acl: n.acl},
		{Kind: ChildrenChanged, Path: parent.path, acl: parent.acl},
	}
}
