package tree

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// scanBelow counts the znodes at and below path, and their data, by looking at
// every znode there is.
func scanBelow(tr *Tree, path string) (count, size int64) {
	for n := range tr.all() {
		if n.path == path || strings.HasPrefix(n.path, path+"/") {
			count++
			size += int64(len(n.data))
		}
	}
	return count, size
}

// quotaOps gives random operations on a few znodes and on their quotas.
func quotaOps(rnd *rand.Rand) func() Op {
	open := []ACL{{PermAll, "world", "anyone"}}
	paths := []string{"/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/x", "/ab", "/a/b/x"}
	data := func() []byte { return make([]byte, rnd.IntN(9)) }
	return func() Op {
		path := paths[rnd.IntN(len(paths))]
		if rnd.IntN(3) == 0 {
			name := []string{"", "/" + quotaStatsName, "/" + quotaStatsName, "/" + quotaLimitsName}[rnd.IntN(4)]
			of := append(paths, "/zookeeper", "/zookeeper/quota", "/zookeeper/quota/a", "/none", "")[rnd.IntN(len(paths)+5)]
			path = quotaPath + of + name
		}
		switch rnd.IntN(5) {
		case 0, 1:
			return Delete{Path: path, Version: -1}
		case 2:
			if !strings.HasPrefix(path, quotaPath) {
				return SetData{Path: path, Data: data(), Version: -1}
			}
			return SetData{Path: path, Data: fmt.Appendf(nil, "count=%d,bytes=%d", rnd.IntN(5), rnd.IntN(20)), Version: -1}
		}
		if strings.HasPrefix(path, quotaPath) {
			return Create{Path: path, ACL: open, Data: []byte("count=6,bytes=30=;byteHardLimit=60;countHardLimit=9")}
		}
		return Create{Path: path, Data: data(), ACL: open, Mode: Mode(rnd.IntN(3)) * Ephemeral / 2}
	}
}

// quotaTxn is one operation or some, in one of several ways.
func quotaTxn(rnd *rand.Rand, tr *Tree, op func() Op) Txn {
	txn := Txn{Zxid: tr.LastZxid() + 1, Time: tr.LastZxid(), Session: int64(rnd.IntN(2) + 1), Op: op()}
	txn.Rules = []Rules{0, EnforceQuota, AnyQuotaData}[rnd.IntN(3)]
	switch rnd.IntN(10) {
	case 0:
		txn.Op = CloseSession{}
	case 1, 2:
		txn.Op = Multi{Ops: []Op{op(), op(), op()}}
	case 3:
		stats := Create{Path: quotaPath + "/a/" + quotaStatsName, ACL: []ACL{{PermAll, "world", "anyone"}}, Data: []byte("count=1")}
		txn.Op = Multi{Ops: []Op{stats, op(), Delete{Path: stats.Path, Version: -1}, op(), stats}}
	}
	return txn
}

// TestQuotasComeOutAsEver: a log written by an earlier version must leave the
// tree that it left then. The sum is of the version that counted all znodes of
// a quota whenever its stats were created.
func TestQuotasComeOutAsEver(t *testing.T) {
	var sum uint64
	done := 0
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		tr := New()
		op := quotaOps(rnd)
		for _, path := range []string{"/a", "/a/b", "/a/b/c", "/ab", "/zookeeper"} {
			tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Op: Create{Path: path, ACL: []ACL{{PermAll, "world", "anyone"}}}})
			tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Op: Create{Path: quotaPath + path, ACL: []ACL{{PermAll, "world", "anyone"}}}})
		}
		for i := range 1000 {
			if i == 500 { // as at a start: nothing is counted
				tr = reread(t, tr)
			}
			if r := tr.Apply(quotaTxn(rnd, tr, op)); r.Err == nil {
				done++
			}
			sum = sum*31 + tr.Digest()
		}
		checkInvariants(t, tr)
	}
	if done != 3192 || sum != 0xab8dfbf4bcd0762e {
		t.Errorf("%d transactions done, digests come to %#x", done, sum)
	}
}

// TestQuotasAreCountedOnce: whoever creates the stats of quotas again and again,
// in multis or not, or of quotas in one another, does not make the tree look at
// all of its znodes each time.
func TestQuotasAreCountedOnce(t *testing.T) {
	const depth, each = 20, 50
	open := []ACL{{PermAll, "world", "anyone"}}
	tr := New()
	apply := func(ops ...Op) {
		t.Helper()
		if r := tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Op: Multi{Ops: ops}}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	create := func(path string) Op { return Create{Path: path, ACL: open} }
	remove := func(path string) Op { return Delete{Path: path, Version: -1} }
	var paths []string
	for i, path := 0, ""; i < depth; i++ {
		path += "/a"
		apply(create(path), create(quotaPath+path))
		paths = append(paths, path)
		for j := range each {
			apply(create(fmt.Sprintf("%s/leaf%d", path, j)))
		}
	}
	tr = reread(t, tr)
	all := tr.Len()
	for range 20 {
		var ops []Op
		for _, path := range paths {
			stats := quotaPath + path + "/" + quotaStatsName
			ops = append(ops, create(stats), remove(stats), create(path+"/more"), create(stats), remove(path+"/more"), remove(stats))
		}
		apply(ops...)
		for i := 0; i < len(ops); i += 3 {
			apply(ops[i : i+3]...)
		}
		tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Op: Multi{Ops: append(ops, remove("/none"))}})
	}
	for _, path := range paths { // as at a start of another program's directory
		apply(create(quotaPath+path+"/"+quotaStatsName), create(quotaPath+path+"/"+quotaLimitsName))
	}
	tr.RecountQuotas()
	if tr.subtrees.visited > all {
		t.Errorf("%d znodes were looked at, there are %d", tr.subtrees.visited, all)
	}
	checkInvariants(t, tr)
	count, size := scanBelow(tr, "/a")
	checkStats(t, tr, "/a", count, size)

	back := reread(t, tr)
	back.RecountQuotas()
	if back.subtrees.visited > all {
		t.Errorf("at a start %d znodes were looked at, there are %d", back.subtrees.visited, all)
	}
}

// TestTreeWithoutQuotasCountsNothing: they cost nothing where there are none, and
// nothing is left of them when the znodes are gone.
func TestTreeWithoutQuotasCountsNothing(t *testing.T) {
	open := []ACL{{PermAll, "world", "anyone"}}
	tr := New()
	apply := func(op Op) {
		if r := tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Op: op}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	paths := []string{"/a", "/a/b", "/a/b/c", quotaPath + "/a"}
	for _, path := range paths {
		apply(Create{Path: path, ACL: open})
	}
	if n := len(tr.subtrees.byPath); n != 0 {
		t.Errorf("%d subtrees are kept", n)
	}
	stats := quotaPath + "/a/" + quotaStatsName
	apply(Create{Path: stats, ACL: open})
	checkInvariants(t, tr)
	if n := len(tr.subtrees.byPath); n != 2 {
		t.Errorf("%d subtrees are kept, want those of /a and /a/b", n)
	}
	for _, path := range []string{"/a/b/c", "/a/b", "/a"} {
		apply(Delete{Path: path, Version: -1})
		checkInvariants(t, tr)
	}
	if n := len(tr.subtrees.byPath); n != 0 {
		t.Errorf("%d subtrees are left", n)
	}
}
