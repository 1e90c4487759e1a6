package tree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// story is a small tree with one of everything.
func story(t testing.TB) *Tree {
	t.Helper()
	tr := New()
	for i, op := range []Op{
		Create{Path: "/a", Data: []byte("data"), ACL: []ACL{{31, "world", "anyone"}}},
		Create{Path: "/a/e", ACL: []ACL{{1, "world", "anyone"}, {2, "digest", "u:h"}}, Mode: Ephemeral},
		Create{Path: "/a/c", Data: []byte{}, ACL: []ACL{{31, "world", "anyone"}}, Mode: Container},
		Create{Path: "/a/t", ACL: []ACL{{31, "ip", "192.0.2.0/24"}}, Mode: PersistentSequentialTTL, TTL: 77},
		SetData{Path: "/a", Data: []byte("more"), Version: 0},
	} {
		if r := tr.Apply(Txn{Zxid: int64(i) + 1<<32, Time: 1e12, Session: 5, Op: op}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return tr
}

// TestReadRefusesEveryDamage cuts and flips a snapshot at each byte. The error
// says where.
func TestReadRefusesEveryDamage(t *testing.T) {
	bin := snapshotOf(t, story(t))
	if _, err := Read(bytes.NewReader(bin)); err != nil {
		t.Fatal(err)
	}
	offset := regexp.MustCompile(`^tree: read snapshot: offset \d+: .`)
	for i := range bin {
		if _, err := Read(bytes.NewReader(bin[:i])); err == nil || !offset.MatchString(err.Error()) {
			t.Errorf("cut at %d: error = %v", i, err)
		}
		for _, flip := range []byte{0x01, 0x80} {
			bad := bytes.Clone(bin)
			bad[i] ^= flip
			if _, err := Read(bytes.NewReader(bad)); err == nil || !offset.MatchString(err.Error()) {
				t.Errorf("byte %d changed by %#x: error = %v", i, flip, err)
			}
		}
	}
}

// TestReadTakesNoMore leaves alone what follows a snapshot.
func TestReadTakesNoMore(t *testing.T) {
	r := bytes.NewReader(append(snapshotOf(t, story(t)), "rest"...))
	if _, err := Read(r); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "rest" {
		t.Errorf("left %q", rest)
	}
}

// forge makes a snapshot of one section, with right sums around any records.
func forge(h header, count uint32, records []byte) []byte {
	b := appendHeader(nil, h)
	if count > 0 {
		section := append(make([]byte, sectionHead), records...)
		putSectionHead(section, count)
		b = append(b, section...)
	}
	b = append(b, make([]byte, sectionHead)...)
	return appendFooter(b, uint64(min(count, 1)), uint64(count))
}

// TestReadKnowsTheRules: sums that are right do not make a tree.
func TestReadKnowsTheRules(t *testing.T) {
	world := newACLTable()
	open := world.intern([]ACL{{31, "world", "anyone"}})
	system := func(change func(path string, n *node)) (nodes []*node) {
		for path, children := range map[string]int32{rootPath: 1, systemPath: 2, configPath: 0, quotaPath: 0} {
			n := &node{path: path, acl: open, numChildren: children}
			change(path, n)
			nodes = append(nodes, n)
		}
		return nodes
	}
	tests := []struct {
		name  string
		nodes []*node
		want  string
	}{
		{"no root", nil, `"/" is missing`},
		{"no children where the record has some", system(func(path string, n *node) {
			if path == quotaPath {
				n.numChildren = 1
			}
		}), `has 0 children, its record says 1`},
		{"an orphan", append(system(func(string, *node) {}), &node{path: "/a/b", acl: open}), `"/a/b" has no parent`},
		{"a child where the record has none", system(func(path string, n *node) {
			if path == systemPath {
				n.numChildren = 0
			}
		}), `"/zookeeper" has children, its record says 0`},
		{"an ephemeral parent", system(func(path string, n *node) {
			if path == systemPath {
				n.kind = ephemeral
			}
		}), `is ephemeral`},
		{"an illegal path", []*node{{path: "/a//b", acl: open}}, `invalid path "/a//b"`},
		{"a kind of tomorrow", []*node{{path: "/a", acl: open, kind: kindEnd}}, `unknown kind 4 of "/a"`},
		{"a path twice", []*node{{path: "/a", acl: open}, {path: "/a", acl: open}}, `"/a" is there twice`},
		{"another number of znodes", system(func(string, *node) {}), `4 znodes, the header says 99`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var records []byte
			acls := make(map[*aclEntry]uint64)
			for _, n := range tt.nodes {
				records = appendRecord(records, n, acls)
			}
			_, err := Read(bytes.NewReader(forge(header{znodes: 99}, uint32(len(tt.nodes)), records)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestReadOfAnotherVersion says which it is.
func TestReadOfAnotherVersion(t *testing.T) {
	bin := snapshotOf(t, New())
	bin[len(magic)-1] = 9
	_, err := Read(bytes.NewReader(bin))
	if err == nil || !strings.Contains(err.Error(), "format version 9, this program knows 1") {
		t.Errorf("error = %v", err)
	}
}

// TestReadBelievesNoLength: what is written about lengths costs no memory.
func TestReadBelievesNoLength(t *testing.T) {
	long := appendHeader(nil, header{znodes: math.MaxUint64})
	long = binary.BigEndian.AppendUint64(long, math.MaxInt64)
	long = append(long, make([]byte, 100)...)
	var record []byte
	record = appendString(record, "/a")
	record = append(record, make([]byte, countersSize)...)
	record = append(record, 0, 1, 0, 0, 0, 1)
	world := append([]byte("\x05world\x06anyone"), 0)
	tests := map[string][]byte{
		"section length": long,
		"records":        forge(header{znodes: 1 << 60}, math.MaxUint32, append(record, world...)),
		"path length":    forge(header{}, 1, binary.AppendUvarint(nil, math.MaxUint64)),
		"scheme length":  forge(header{}, 1, binary.AppendUvarint(record, 1<<62)),
	}
	for name, bin := range tests {
		t.Run(name, func(t *testing.T) {
			if n := allocated(func() {
				if _, err := Read(bytes.NewReader(bin)); err == nil {
					t.Error("no error")
				}
			}); n > 4<<20 {
				t.Errorf("allocated %d bytes for %d", n, len(bin))
			}
		})
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzRead forges sums around the input, so that it gets behind them.
func FuzzRead(f *testing.F) {
	bin := snapshotOf(f, story(f))
	f.Add(bin, uint32(0), uint64(0))
	var records []byte
	acls := make(map[*aclEntry]uint64)
	for n := range story(f).all() {
		records = appendRecord(records, n, acls)
	}
	f.Add(records, uint32(8), story(f).Digest())
	f.Fuzz(func(t *testing.T, in []byte, count uint32, digest uint64) {
		if count == 0 {
			if tr, err := Read(bytes.NewReader(in)); err == nil {
				checkInvariants(t, tr)
			}
			return
		}
		tr, err := Read(bytes.NewReader(forge(header{digest: digest, znodes: uint64(count)}, count, in)))
		if err != nil {
			return
		}
		checkInvariants(t, tr)
		reread(t, tr)
		tr.Apply(Txn{Zxid: 1, Op: Create{Path: "/new-", Mode: PersistentSequential, ACL: []ACL{{31, "world", "anyone"}}}})
		checkInvariants(t, tr)
	})
}

// TestFewKindsOfACLAreKept: an ACL no znode has takes no memory.
func TestFewKindsOfACLAreKept(t *testing.T) {
	tr := New()
	for i := range 1000 {
		acl := []ACL{{31, "world", "anyone"}, {1, "digest", fmt.Sprintf("u%d:h", i)}}
		tr.Apply(Txn{Zxid: 1, Op: Create{Path: "/a", ACL: acl}})
		tr.Apply(Txn{Zxid: 2, Op: Create{Path: "/a", ACL: acl}})
		tr.Apply(Txn{Zxid: 3, Op: Delete{Path: "/a", Version: -1}})
	}
	if got := len(tr.acls.byKey); got != 2 {
		t.Errorf("%d ACLs kept, want 2", got)
	}
}

// TestChildrenThatAreClaimedCostNoMemory: many parents, each of which claims more
// children than there can be.
func TestChildrenThatAreClaimedCostNoMemory(t *testing.T) {
	open := newACLTable()
	acl := open.intern([]ACL{{31, "world", "anyone"}})
	var records []byte
	acls := make(map[*aclEntry]uint64)
	count := uint32(0)
	add := func(path string, children int32) {
		records = appendRecord(records, &node{path: path, acl: acl, numChildren: children}, acls)
		count++
	}
	for path, children := range map[string]int32{rootPath: 1, systemPath: 2, configPath: 0, quotaPath: 0} {
		add(path, children)
	}
	const parents = 2000
	for i := range parents {
		add(fmt.Sprintf("/p%d", i), 1<<30)
		add(fmt.Sprintf("/p%d/c", i), 0)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(bytes.NewReader(forge(header{znodes: uint64(count)}, count, records)))
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Fatal("read")
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
		t.Errorf("took %d MiB for a snapshot of %d KiB", took>>20, len(records)>>10)
	}
}
