package tree

// anyVersion matches whatever version a znode has. Other negative numbers are
// versions like any other.
const anyVersion = -1

func matches(version, want int32) bool { return want == anyVersion || want == version }

// delete removes a znode.
func (t *Tree) delete(txn *Txn, op Delete) Result {
	parentPath, _, ok := split(op.Path)
	if !ok || reserved(op.Path) {
		return Result{Err: ErrBadArguments}
	}
	parent := t.find(parentPath)
	if parent == nil {
		return Result{Err: ErrNoNode}
	}
	if !parent.acl.allows(PermDelete, txn.Auth) {
		return Result{Err: ErrNoAuth}
	}
	n := t.find(op.Path)
	if n == nil {
		return Result{Err: ErrNoNode}
	}
	if !matches(n.version, op.Version) {
		return Result{Err: ErrBadVersion}
	}
	if n.numChildren > 0 {
		return Result{Err: ErrNotEmpty}
	}
	return Result{Changes: t.remove(txn, n, nil)}
}

// setData replaces a znode's data.
func (t *Tree) setData(txn *Txn, op SetData) Result {
	old, err := t.permitted(txn, op.Path, PermWrite)
	if err != nil {
		return Result{Err: err}
	}
	if err := checkQuotaData(txn, op.Path, op.Data); err != nil {
		return Result{Err: err}
	}
	var r Result
	grown := int64(len(op.Data) - len(old.data))
	if err := t.allowance(txn, op.Path, grown, 0, &r); err != nil {
		return Result{Err: err}
	}
	if !matches(old.version, op.Version) {
		return Result{Err: ErrBadVersion}
	}
	n := *old
	n.data = op.Data
	n.version++
	n.mzxid = txn.Zxid
	n.mtime = txn.Time
	t.replace(n.path, &n)
	t.charge(n.path, grown, 0)
	r.Stat = n.stat()
	r.Changes = []Change{{Kind: DataChanged, Path: n.path, acl: n.acl}}
	return r
}

// setACL replaces a znode's ACL. No watch hears of it.
func (t *Tree) setACL(txn *Txn, op SetACL) Result {
	if !validPath(op.Path) {
		return Result{Err: ErrBadArguments}
	}
	acl, err := resolveACL(op.ACL, txn)
	if err != nil {
		return Result{Err: err}
	}
	old, err := t.permitted(txn, op.Path, PermAdmin)
	if err != nil {
		return Result{Err: err}
	}
	if !matches(old.aversion, op.Version) {
		return Result{Err: ErrBadVersion}
	}
	n := *old
	n.acl = t.acls.intern(acl)
	n.aversion++
	t.replace(n.path, &n)
	return Result{Stat: n.stat()}
}

// check compares a version.
func (t *Tree) check(txn *Txn, op Check) Result {
	n, err := t.permitted(txn, op.Path, PermRead)
	if err != nil {
		return Result{Err: err}
	}
	if !matches(n.version, op.Version) {
		return Result{Err: ErrBadVersion}
	}
	return Result{}
}

// permitted gives the znode at a valid path, if the transaction's identities
// have the permission.
func (t *Tree) permitted(txn *Txn, path string, perm int32) (*node, error) {
	if !validPath(path) {
		return nil, ErrBadArguments
	}
	n := t.find(path)
	if n == nil {
		return nil, ErrNoNode
	}
	if !n.acl.allows(perm, txn.Auth) {
		return nil, ErrNoAuth
	}
	return n, nil
}
