package tree

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"testing"
)

var open = []ACL{{PermAll, "world", "anyone"}}

// filled is a tree of n znodes with 27-byte paths below one parent.
func filled(tb testing.TB, n int) *Tree {
	tb.Helper()
	tr := New()
	tr.Apply(Txn{Zxid: 1, Op: Create{Path: "/tasks", ACL: open}})
	for i := range n {
		data := make([]byte, 100)
		op := Create{Path: "/tasks/task-with-a-n-", Data: data, ACL: open, Mode: PersistentSequential}
		if r := tr.Apply(Txn{Zxid: int64(i + 2), Op: op}); r.Err != nil {
			tb.Fatal(r.Err)
		}
	}
	return tr
}

func BenchmarkCreate(b *testing.B) {
	tr, zxid := filled(b, 10_000), int64(20_000)
	data := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		zxid++
		tr.Apply(Txn{Zxid: zxid, Op: Create{Path: "/tasks/t-", Data: data, ACL: open, Mode: PersistentSequential}})
	}
}

func BenchmarkCreateDelete(b *testing.B) {
	tr, zxid := filled(b, 10_000), int64(20_000)
	b.ReportAllocs()
	for b.Loop() {
		zxid++
		tr.Apply(Txn{Zxid: zxid, Op: Create{Path: "/tasks/t", ACL: open}})
		tr.Apply(Txn{Zxid: zxid, Op: Delete{Path: "/tasks/t", Version: -1}})
	}
}

func BenchmarkSetData(b *testing.B) {
	tr, zxid := filled(b, 10_000), int64(20_000)
	data := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		zxid++
		tr.Apply(Txn{Zxid: zxid, Op: SetData{Path: "/tasks/task-with-a-n-0000000007", Data: data, Version: -1}})
	}
}

// BenchmarkMulti is the assignment of a task: check, check, create, and the
// delete that keeps the tree from growing.
func BenchmarkMulti(b *testing.B) {
	tr, zxid := filled(b, 10_000), int64(20_000)
	b.ReportAllocs()
	for b.Loop() {
		zxid++
		tr.Apply(Txn{Zxid: zxid, Op: Multi{Ops: []Op{
			Check{Path: "/tasks", Version: 0},
			Check{Path: "/zookeeper", Version: -1},
			Create{Path: "/tasks/t", ACL: open},
			Delete{Path: "/tasks/t", Version: 0},
		}}})
	}
}

func BenchmarkGet(b *testing.B) {
	tr := filled(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := tr.Get("/tasks/task-with-a-n-0000000007", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChildren(b *testing.B) {
	tr := filled(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if names, _, _ := tr.Children("/tasks", nil); len(names) != 10_000 {
			b.Fatal(len(names))
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	tr := filled(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		tr.Capture().WriteTo(io.Discard)
	}
}

func BenchmarkRead(b *testing.B) {
	bin := snapshotOf(b, filled(b, 100_000))
	b.ReportAllocs()
	b.SetBytes(int64(len(bin)))
	for b.Loop() {
		r, w := io.Pipe()
		go func() { w.Write(bin) }()
		if _, err := Read(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadOfAMillion is a start: a million znodes of 100 bytes below
// folders of a thousand, and no collection meanwhile.
func BenchmarkReadOfAMillion(b *testing.B) {
	tr := New()
	for dir := range 1000 {
		folder := fmt.Sprintf("/tree-%04d", dir)
		ops := []Op{Create{Path: folder, ACL: open}}
		for i := range 1000 {
			ops = append(ops, Create{Path: fmt.Sprintf("%s/znode-%06d", folder, i), Data: make([]byte, 100), ACL: open})
		}
		if r := tr.Apply(Txn{Zxid: int64(dir + 1), Op: Multi{Ops: ops}}); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
	bin := snapshotOf(b, tr)
	tr = nil
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	b.ReportAllocs()
	b.SetBytes(int64(len(bin)))
	for b.Loop() {
		if _, err := Read(bytes.NewReader(bin)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		runtime.GC()
		b.StartTimer()
	}
}

// TestMemoryPerZnode holds the number in the package's design: less than 300
// bytes for a znode besides its data.
func TestMemoryPerZnode(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a tree")
	}
	const n, data = 50_000, 112 // 100 bytes of data take 112
	before := heap()
	tr := filled(t, n)
	per := (heap()-before)/n - data
	runtime.KeepAlive(tr)
	t.Logf("%d bytes per znode besides its data", per)
	if per > 300 {
		t.Errorf("%d bytes per znode besides its data, want at most 300", per)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
