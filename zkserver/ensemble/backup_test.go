package ensemble_test

import (
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// contents reads a backup the way the machine would.
func contents(t *testing.T, n *ensemble.Node) []string {
	t.Helper()
	b, err := n.Backup(t.Context())
	if err != nil {
		t.Error(err)
		return nil
	}
	defer b.Close()
	var m machine
	if err := m.Restore(b); err != nil {
		t.Error(err)
	}
	return m.list()
}

func TestBackupHasAllThatWasApplied(t *testing.T) {
	disk := waltest.New(1)
	n, m, stop := start(t, often(disk))
	for range 30 { // with and without a snapshot falling due
		want := work(t, n, m, 3)
		if got := contents(t, n); !slices.Equal(got, want) {
			t.Fatalf("backup has %d commands, want %d", len(got), len(want))
		}
	}
	if a, b := contents(t, n), contents(t, n); !slices.Equal(a, b) {
		t.Error("two backups of an idle node differ")
	}
	stop()
	if _, err := n.Backup(t.Context()); err == nil {
		t.Error("a backup of a stopped node")
	}
}

func TestBackupsTogetherWithWorkAreAllAnswered(t *testing.T) {
	n, m, _ := start(t, often(waltest.New(1)))
	<-n.Ready()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				contents(t, n)
			}
		})
	}
	work(t, n, m, 100)
	all.Wait()
}

func TestNodeGoesOnFromASeed(t *testing.T) {
	disk := waltest.New(1)
	n, m, stop := start(t, often(disk))
	want := work(t, n, m, 10)
	b, err := n.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	stop()

	seeded := ensemble.Config{Dir: "/seeded", FS: disk, SegmentBytes: 16 << 10}
	if err := ensemble.Seed(seeded, b.Time, written(raw)); err != nil {
		t.Fatal(err)
	}
	if err := ensemble.Seed(seeded, b.Time, written(raw)); err == nil {
		t.Error("a directory was seeded twice")
	}
	for range 2 {
		n, m, stop = start(t, seeded)
		<-n.Ready()
		if got := m.list(); !slices.Equal(got, want) {
			t.Fatalf("the seeded node begins with %d commands, want %d", len(got), len(want))
		}
		want = work(t, n, m, 5)
		stop()
	}
}

// written is a state that is there as bytes.
type written []byte

func (w written) WriteTo(dst io.Writer) (int64, error) {
	n, err := dst.Write(w)
	return int64(n), err
}
