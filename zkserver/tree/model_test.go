package tree

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A model is the tree as one would write it with no mind to speed: a map of
// values that a multi copies whole.
type model map[string]modelNode

type modelNode struct {
	data    string
	isNull  bool
	acl     []ACL
	session int64 // of an ephemeral
	creates int32
	stat    Stat // but for what is counted
}

func newModel() model {
	open := []ACL{{31, "world", "anyone"}}
	return model{
		"/":                 {acl: open},
		"/zookeeper":        {acl: open},
		"/zookeeper/quota":  {acl: open},
		"/zookeeper/config": {acl: []ACL{{1, "world", "anyone"}}, stat: Stat{Aversion: -1}},
	}
}

func (m model) children(path string) (names []string) {
	prefix := strings.TrimSuffix(path, "/") + "/"
	for p := range m {
		if rest, ok := strings.CutPrefix(p, prefix); ok && rest != "" && !strings.Contains(rest, "/") {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names
}

func (m model) statOf(path string) Stat {
	n := m[path]
	s := n.stat
	s.NumChildren = int32(len(m.children(path)))
	s.Cversion = 2*n.creates - s.NumChildren
	s.DataLength = int32(len(n.data))
	s.EphemeralOwner = n.session
	return s
}

// may knows the identities of the test: super, and digests.
func (m model) may(path string, perm int32, auth []ID) bool {
	for _, a := range m[path].acl {
		if a.Perms&perm != 0 && (a.Scheme == "world" || slices.Contains(auth, ID{a.Scheme, a.ID})) {
			return true
		}
	}
	return slices.Contains(auth, ID{"super", ""})
}

func parentOf(path string) string {
	if i := strings.LastIndex(path, "/"); i > 0 {
		return path[:i]
	}
	return "/"
}

func (m model) apply(txn Txn) Result {
	switch op := txn.Op.(type) {
	case Multi:
		before := maps.Clone(m)
		r := Result{}
		for i, op := range op.Ops {
			one := m.one(txn, op)
			if one.Err != nil {
				clear(m)
				maps.Copy(m, before)
				return refusedMulti(make([]Result, len(txn.Op.(Multi).Ops)), i, one.Err)
			}
			r.Changes = append(r.Changes, one.Changes...)
			one.Changes = nil
			r.Ops = append(r.Ops, one)
		}
		return r
	case CloseSession:
		r := Result{}
		for _, path := range slices.Sorted(maps.Keys(m)) {
			if m[path].session == txn.Session && txn.Session != 0 {
				r.Changes = append(r.Changes, m.remove(txn, path)...)
			}
		}
		return r
	}
	return m.one(txn, txn.Op)
}

func (m model) one(txn Txn, op Op) Result {
	switch op := op.(type) {
	case Create:
		return m.create(txn, op)
	case Delete:
		return m.delete(txn, op)
	case SetData:
		if err := m.fault(txn, op.Path, PermWrite, op.Version); err != nil {
			return Result{Err: err}
		}
		n := m[op.Path]
		n.data, n.isNull = string(op.Data), op.Data == nil
		n.stat.Version++
		n.stat.Mzxid, n.stat.Mtime = txn.Zxid, txn.Time
		m[op.Path] = n
		return Result{Stat: m.statOf(op.Path), Changes: []Change{{Kind: DataChanged, Path: op.Path}}}
	case SetACL:
		return m.setACL(txn, op)
	case Check:
		return Result{Err: m.fault(txn, op.Path, PermRead, op.Version)}
	}
	return Result{Err: ErrUnimplemented}
}

func (m model) fault(txn Txn, path string, perm, version int32) error {
	n, ok := m[path]
	switch {
	case !validPath(path): // has tests of its own
		return ErrBadArguments
	case !ok:
		return ErrNoNode
	case !m.may(path, perm, txn.Auth):
		return ErrNoAuth
	case version != -1 && version != n.stat.Version:
		return ErrBadVersion
	}
	return nil
}

func (m model) create(txn Txn, op Create) Result {
	parent := parentOf(op.Path)
	acl, err := resolveACL(op.ACL, &txn) // has tests of its own
	path := op.Path
	p, ok := m[parent]
	if op.Mode.sequential() {
		path += fmt.Sprintf("%010d", p.creates)
	}
	_, exists := m[path]
	switch {
	case op.Mode.ttl() != (op.TTL > 0):
		return Result{Err: ErrBadArguments}
	case err != nil:
		return Result{Err: err}
	case !ok:
		return Result{Err: ErrNoNode}
	case !m.may(parent, PermCreate, txn.Auth):
		return Result{Err: ErrNoAuth}
	case !validPath(path):
		return Result{Err: ErrBadArguments}
	case exists:
		return Result{Err: ErrNodeExists}
	case p.session != 0:
		return Result{Err: ErrNoChildrenForEphemerals}
	}
	p.creates++
	p.stat.Pzxid = txn.Zxid
	m[parent] = p
	n := modelNode{data: string(op.Data), isNull: op.Data == nil, acl: acl, stat: Stat{
		Czxid: txn.Zxid, Mzxid: txn.Zxid, Pzxid: txn.Zxid, Ctime: txn.Time, Mtime: txn.Time,
	}}
	if op.Mode.ephemeral() {
		n.session = txn.Session
	}
	m[path] = n
	return Result{Path: path, Stat: m.statOf(path), Changes: []Change{
		{Kind: Created, Path: path}, {Kind: ChildrenChanged, Path: parent},
	}}
}

func (m model) delete(txn Txn, op Delete) Result {
	parent := parentOf(op.Path)
	_, hasParent := m[parent]
	n, ok := m[op.Path]
	switch {
	case reserved(op.Path):
		return Result{Err: ErrBadArguments}
	case !hasParent:
		return Result{Err: ErrNoNode}
	case !m.may(parent, PermDelete, txn.Auth):
		return Result{Err: ErrNoAuth}
	case !ok:
		return Result{Err: ErrNoNode}
	case op.Version != -1 && op.Version != n.stat.Version:
		return Result{Err: ErrBadVersion}
	case len(m.children(op.Path)) > 0:
		return Result{Err: ErrNotEmpty}
	}
	return Result{Changes: m.remove(txn, op.Path)}
}

func (m model) remove(txn Txn, path string) []Change {
	parent := parentOf(path)
	delete(m, path)
	p := m[parent]
	p.stat.Pzxid = txn.Zxid
	m[parent] = p
	return []Change{{Kind: Deleted, Path: path}, {Kind: ChildrenChanged, Path: parent}}
}

func (m model) setACL(txn Txn, op SetACL) Result {
	if !validPath(op.Path) {
		return Result{Err: ErrBadArguments}
	}
	acl, err := resolveACL(op.ACL, &txn)
	if err != nil {
		return Result{Err: err}
	}
	if err := m.fault(txn, op.Path, PermAdmin, -1); err != nil {
		return Result{Err: err}
	}
	n := m[op.Path]
	if op.Version != -1 && op.Version != n.stat.Aversion {
		return Result{Err: ErrBadVersion}
	}
	n.acl = acl
	n.stat.Aversion++
	m[op.Path] = n
	return Result{Stat: m.statOf(op.Path)}
}

// TestTreeIsLikeTheModel applies random transactions to both, and a restart
// now and then. Few names and versions make most of them meet.
func TestTreeIsLikeTheModel(t *testing.T) {
	skipIfShort(t)
	rapid.Check(t, func(t *rapid.T) {
		tr, m := New(), newModel()
		for i := range rapid.IntRange(1, 40).Draw(t, "transactions") {
			txn := drawTxn(t)
			txn.Zxid, txn.Time = int64(i+1), int64(1000+i)
			digest := tr.Digest()
			var before []byte
			if _, multi := txn.Op.(Multi); multi {
				before = contentOf(t, tr)
			}
			got, want := tr.Apply(txn), m.apply(txn)
			if show(got) != show(want) {
				t.Fatalf("%+v:\ngot  %s\nwant %s", txn, show(got), show(want))
			}
			if got.Err != nil && tr.Digest() != digest {
				t.Fatalf("%+v: left something behind", txn)
			}
			if got.Err != nil && before != nil && !bytes.Equal(contentOf(t, tr), before) {
				t.Fatalf("%+v: left something behind", txn)
			}
			m.compare(t, tr, txn.Auth)
			checkInvariants(t, tr)
			if rapid.IntRange(0, 19).Draw(t, "restart") == 0 {
				tr = reread(t, tr)
			}
		}
	})
}

func show(r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %q %+v", r.Err, r.Path, r.Stat)
	for _, c := range r.Changes {
		fmt.Fprintf(&b, " (%v %s)", c.Kind, c.Path)
	}
	for _, op := range r.Ops {
		fmt.Fprintf(&b, "\n  %s", show(op))
	}
	return b.String()
}

func (m model) compare(t *rapid.T, tr *Tree, auth []ID) {
	if tr.Len() != len(m) {
		t.Fatalf("%d znodes, want %d", tr.Len(), len(m))
	}
	for path, n := range m {
		data, _, err := tr.Get(path, auth)
		if may := m.may(path, PermRead, auth); (err == nil) != may {
			t.Fatalf("get %s: %v, permitted %v", path, err, may)
		}
		if err == nil && (string(data) != n.data || (data == nil) != n.isNull) {
			t.Fatalf("get %s = %q, want %q", path, data, n.data)
		}
		if stat, err := tr.Exists(path); err != nil || stat != m.statOf(path) {
			t.Fatalf("stat %s = %+v %v, want %+v", path, stat, err, m.statOf(path))
		}
		names, _, err := tr.Children(path, []ID{{"super", ""}})
		slices.Sort(names)
		if err != nil || !slices.Equal(names, m.children(path)) {
			t.Fatalf("children of %s = %q %v, want %q", path, names, err, m.children(path))
		}
		if acl, _, _ := tr.ACL(path, []ID{{"super", ""}}); !slices.Equal(acl, n.acl) {
			t.Fatalf("ACL of %s = %v, want %v", path, acl, n.acl)
		}
	}
}

func reread(t failer, tr *Tree) *Tree {
	t.Helper()
	bin := snapshotOf(t, tr)
	back, err := Read(bytes.NewReader(bin))
	if err != nil {
		t.Fatalf("%v", err)
	}
	if again := snapshotOf(t, back); !bytes.Equal(bin, again) {
		t.Fatalf("the snapshot of the tree read is not the snapshot it was read from")
	}
	return back
}

func drawTxn(t *rapid.T) Txn {
	txn := Txn{
		Session: rapid.Int64Range(1, 3).Draw(t, "session"),
		Auth: rapid.SampledFrom([][]ID{
			nil, {{"digest", "ann:H"}}, {{"ip", "192.0.2.1"}, {"digest", "bob:H"}}, {{"super", ""}},
		}).Draw(t, "auth"),
	}
	switch rapid.IntRange(0, 9).Draw(t, "op") {
	case 0:
		txn.Op = CloseSession{}
	case 1, 2, 3:
		txn.Op = Multi{Ops: rapid.SliceOfN(rapid.Custom(drawOp), 0, 6).Draw(t, "ops")}
	default:
		txn.Op = drawOp(t)
	}
	return txn
}

func drawOp(t *rapid.T) Op {
	path := rapid.SampledFrom([]string{
		"/a", "/a", "/a/b", "/a/b", "/a/b/c", "/a/c", "/d", "/d/e", "/d/", "/", "/zookeeper/quota", "/zookeeper/x", "/a//b",
	}).Draw(t, "path")
	version := rapid.SampledFrom([]int32{-1, -1, -1, 0, 1, 2, -2}).Draw(t, "version")
	data := rapid.SampledFrom([][]byte{nil, {}, []byte("one"), []byte("two, longer")}).Draw(t, "data")
	acl := rapid.SampledFrom([][]ACL{
		{{31, "world", "anyone"}}, {{31, "world", "anyone"}}, {{31, "world", "anyone"}}, {{31, "world", "anyone"}},
		{{31, "auth", ""}}, {{PermRead | PermCreate, "world", "anyone"}, {31, "digest", "ann:H"}}, {},
	}).Draw(t, "acl")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1, 2, 3:
		op := Create{Path: path, Data: data, ACL: acl, Mode: Mode(rapid.IntRange(0, int(modeEnd)-1).Draw(t, "mode"))}
		if op.Mode.ttl() {
			op.TTL = rapid.Int64Range(0, 5).Draw(t, "ttl")
		}
		return op
	case 4, 5:
		return Delete{Path: path, Version: version}
	case 6, 7:
		return SetData{Path: path, Data: data, Version: version}
	case 8:
		return SetACL{Path: path, ACL: acl, Version: version}
	}
	return Check{Path: path, Version: version}
}
