package tree

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// A failer is a *testing.T, *testing.F or *rapid.T.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// checkInvariants computes all that is derived from the znodes anew.
func checkInvariants(t failer, tr *Tree) {
	t.Helper()
	var digest uint64
	var counts Counts
	children := make(map[string][]string)
	ephemerals := make(map[int64][]string)
	var quotas []string
	refs := make(map[*aclEntry]int)
	for n := range tr.all() {
		if tr.find(n.path) != n {
			t.Errorf("%q is not where it should be", n.path)
		}
		digest += digestChange(xxhash.Sum64String(n.path), nil, n)
		counts.Znodes++
		counts.Bytes += int64(len(n.path) + len(n.data))
		refs[n.acl]++
		if parent, name, _ := split(n.path); name != "" {
			children[parent] = append(children[parent], name)
		}
		switch n.kind {
		case ephemeral:
			counts.Ephemerals++
			ephemerals[n.owner] = append(ephemerals[n.owner], n.path)
		case container:
			counts.Containers++
		case ttl:
			counts.TTLs++
		}
		if of, ok := strings.CutSuffix(strings.TrimPrefix(n.path, quotaPath), "/"+quotaLimitsName); ok &&
			of != "" && strings.HasPrefix(n.path, quotaPath+"/") {
			quotas = append(quotas, of)
		}
	}
	if tr.digest != digest || tr.counts != counts {
		t.Errorf("digest %x counts %+v, want %x %+v", tr.digest, tr.counts, digest, counts)
	}
	slices.Sort(quotas)
	if got := slices.Sorted(slices.Values(tr.quotas.all())); !slices.Equal(got, quotas) {
		t.Errorf("quotas of %v, want %v", got, quotas)
	}
	for n := range tr.all() {
		checkNames(t, n, children[n.path])
	}
	if len(tr.ephemerals) != len(ephemerals) {
		t.Errorf("%d sessions with ephemerals, want %d", len(tr.ephemerals), len(ephemerals))
	}
	for session, paths := range ephemerals {
		slices.Sort(paths)
		if got := slices.Sorted(slices.Values(tr.Ephemerals(session, ""))); !slices.Equal(got, paths) {
			t.Errorf("ephemerals of %d = %q, want %q", session, got, paths)
		}
	}
	checkACLs(t, tr, refs)
	checkSubtrees(t, tr)
	if tr.recording || len(tr.undo) > 0 {
		t.Errorf("still recording")
	}
}

func checkNames(t failer, n *node, want []string) {
	t.Helper()
	var got []string
	if n.children != nil {
		got = n.children.names()
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || int(n.numChildren) != len(want) {
		t.Errorf("children of %q = %q (%d), want %q", n.path, got, n.numChildren, want)
	}
	if n.kind == ephemeral && len(want) > 0 {
		t.Errorf("%q is ephemeral and has children", n.path)
	}
}

// checkSubtrees counts anew what was counted once.
func checkSubtrees(t failer, tr *Tree) {
	t.Helper()
	for path, s := range tr.subtrees.byPath {
		n := tr.find(path)
		if n == nil || n.numChildren == 0 {
			t.Errorf("a subtree of %q is kept, which has no children", path)
			continue
		}
		if count, size := scanBelow(tr, path); s.count != count || s.size != size {
			t.Errorf("%d znodes and %d bytes at and below %q, want %d and %d", s.count, s.size, path, count, size)
		}
		parent, _, _ := split(path)
		if s.up != tr.subtrees.byPath[parent] {
			t.Errorf("the subtree of %q is not in that of its parent", path)
		}
		for _, name := range n.children.names() {
			if child := tr.find(join(path, name)); child.numChildren > 0 && tr.subtrees.byPath[child.path] == nil {
				t.Errorf("a subtree of %q is kept, but none of %q", path, child.path)
			}
		}
	}
}

func checkACLs(t failer, tr *Tree, refs map[*aclEntry]int) {
	t.Helper()
	inTable := 0
	for e, n := range refs {
		if e.refs != n {
			t.Errorf("ACL %v is counted %d times, want %d", e.acl, e.refs, n)
		}
		if tr.acls.byKey[e.key] == e {
			inTable++
		}
	}
	if inTable != len(tr.acls.byKey) {
		t.Errorf("%d ACLs in the table, %d in use", len(tr.acls.byKey), inTable)
	}
}

// snapshotOf gives the bytes of a snapshot.
func snapshotOf(t failer, tr *Tree) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := tr.Capture().WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("write snapshot: %d bytes of %d, %v", n, b.Len(), err)
	}
	return b.Bytes()
}

// contentOf is a snapshot without its header, which has the last zxid.
func contentOf(t failer, tr *Tree) []byte { return snapshotOf(t, tr)[headerSize:] }
