package tree

// Config gives the data of /zookeeper/config.
func (t *Tree) Config() []byte {
	if n := t.find(configPath); n != nil {
		return n.data
	}
	return nil
}

// MayConfigure says whether these identities may write /zookeeper/config: nil, or
// ErrNoAuth.
func (t *Tree) MayConfigure(auth []ID) error {
	_, err := t.permitted(&Txn{Auth: auth}, configPath, PermWrite)
	return err
}

// setConfig replaces what /zookeeper/config says. Its version is -1 from then on,
// as at Apache ZooKeeper (DataTree.setData, called for a reconfig).
func (t *Tree) setConfig(txn *Txn, op SetConfig) Result {
	old := t.find(configPath)
	if old == nil {
		return Result{Err: ErrNoNode}
	}
	n := *old
	n.data = op.Data
	n.version = -1
	n.mzxid = txn.Zxid
	n.mtime = txn.Time
	t.replace(n.path, &n)
	return Result{Stat: n.stat(), Changes: []Change{{Kind: DataChanged, Path: n.path, acl: n.acl}}}
}
