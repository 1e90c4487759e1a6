package tree

import (
	"fmt"
	"testing"
)

// A count may be made part by part while the tree goes on: a znode that stays is
// counted once, whatever is done to others in between.
func TestCountBelowCountsEachZnodeOnce(t *testing.T) {
	tr := New()
	open := []ACL{{Perms: PermAll, Scheme: "world", ID: "anyone"}}
	apply := func(op Op) {
		if r := tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Op: op}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	for _, path := range []string{"/a", "/ab", "/a/b", "/a/b/c", "/other"} {
		apply(Create{Path: path, ACL: open})
	}
	count := 0
	for part := range Parts {
		count += tr.CountBelow("/a", part)
		apply(Create{Path: fmt.Sprintf("/other/%d", part), ACL: open})
	}
	if count != 2 {
		t.Errorf("%d znodes below /a, want 2", count)
	}
}
