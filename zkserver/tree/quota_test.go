package tree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestQuotaStatsAreWhatIsThere makes random changes below quotas that lie in one
// another, in multis that fail and in sessions that end, and counts.
func TestQuotaStatsAreWhatIsThere(t *testing.T) {
	open := []ACL{{PermAll, "world", "anyone"}}
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		tr := New()
		create := func(path string) Op {
			return Create{Path: path, Data: make([]byte, rnd.IntN(9)), ACL: open, Mode: Mode(rnd.IntN(3)) * Ephemeral / 2}
		}
		apply := func(op Op) Result {
			return tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Time: tr.LastZxid(), Session: int64(rnd.IntN(2) + 1), Op: op})
		}
		for _, path := range []string{"", "/a", "/a/b"} {
			apply(Create{Path: quotaPath + path, ACL: open})
			if path != "" {
				apply(Create{Path: quotaPath + path + "/" + quotaLimitsName, ACL: open})
				apply(Create{Path: quotaPath + path + "/" + quotaStatsName, ACL: open})
			}
		}
		paths := []string{"/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/x", "/ab", "/a/b/x"}
		op := func() Op {
			path := paths[rnd.IntN(len(paths))]
			switch rnd.IntN(4) {
			case 0:
				return Delete{Path: path, Version: -1}
			case 1:
				return SetData{Path: path, Data: make([]byte, rnd.IntN(9)), Version: -1}
			}
			return create(path)
		}
		for range 300 {
			switch rnd.IntN(10) {
			case 0:
				apply(CloseSession{})
			case 1:
				apply(Multi{Ops: []Op{op(), op(), op()}})
			default:
				apply(op())
			}
		}
		tr = reread(t, tr)
		checkInvariants(t, tr)
		allCount, allSize := scanBelow(tr, "/a")
		count, size := scanBelow(tr, "/a/b")
		checkStats(t, tr, "/a/b", count, size)
		checkStats(t, tr, "/a", allCount-count, allSize-size) // the longest path with a quota counts
	}
}

func checkStats(t *testing.T, tr *Tree, of string, count, size int64) {
	t.Helper()
	data, _, err := tr.Get(quotaPath+of+"/"+quotaStatsName, nil)
	if want := fmt.Sprintf("count=%d,bytes=%d", count, size); err != nil || string(data) != want {
		t.Errorf("stats of %s are %q, %v; want %q", of, data, err, want)
	}
}

// TestRecountQuotasMakesStatsAnew is what becomes of the snapshot of a program
// that took stats for data like any other.
func TestRecountQuotasMakesStatsAnew(t *testing.T) {
	open := []ACL{{PermAll, "world", "anyone"}}
	tr := New()
	for i, op := range []Op{
		Create{Path: "/a", Data: []byte("123"), ACL: open},
		Create{Path: quotaPath + "/a", ACL: open},
		Create{Path: quotaPath + "/a/" + quotaStatsName, ACL: open},
		Create{Path: quotaPath + "/a/" + quotaLimitsName, ACL: open},
		SetData{Path: quotaPath + "/a/" + quotaStatsName, Data: []byte("banana"), Version: -1},
	} {
		if r := tr.Apply(Txn{Zxid: int64(i + 1), Rules: AnyQuotaData, Op: op}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	tr.RecountQuotas()
	checkStats(t, tr, "/a", 1, 3)
	checkInvariants(t, tr)
}

// FuzzTrack: what is written is read as the same, and does not grow.
func FuzzTrack(f *testing.F) {
	for _, s := range []string{
		"", "count=4,bytes=5", "count=4,bytes=5=;countHardLimit=10;byteHardLimit=10", "a=b", "=", ",", ";;", "x==", "x==4=", "count=-9223372036854775808",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		numbers, ok := parseTrack(data)
		if !ok {
			return
		}
		once := numbers.encode()
		again, ok := parseTrack(once)
		if len(once) <= maxTrack && (!ok || !bytes.Equal(again.encode(), once)) {
			t.Errorf("%q is written as %q, and that as %q, %v", data, once, again.encode(), ok)
		}
		for _, f := range numbers {
			if again.get(f.name) != f.value && ok {
				t.Errorf("%q: %q is %d, and then %d", data, f.name, f.value, again.get(f.name))
			}
		}
	})
}
