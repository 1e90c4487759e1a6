package tree_test

import (
	"fmt"

	"github.com/mwqueue/mw/zkserver/tree"
)

// A master's term: the znode, and the version that fences what it writes.
func Example() {
	t := tree.New()
	open := []tree.ACL{{Perms: tree.PermAll, Scheme: "world", ID: "anyone"}}
	t.Apply(tree.Txn{Zxid: 1, Op: tree.Create{Path: "/assign", ACL: open}})
	r := t.Apply(tree.Txn{Zxid: 2, Session: 7, Op: tree.Multi{Ops: []tree.Op{
		tree.Create{Path: "/master", Data: []byte("m1:2223"), ACL: open, Mode: tree.Ephemeral},
		tree.SetData{Path: "/assign", Version: -1},
	}}})
	fmt.Println("term", r.Ops[1].Stat.Version)

	r = t.Apply(tree.Txn{Zxid: 3, Session: 7, Op: tree.CloseSession{}})
	for _, c := range r.Changes {
		fmt.Println(c.Kind, c.Path)
	}
	// Output:
	// term 1
	// deleted /master
	// children changed /
}
