package wal_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

func writeSnapshot(t testing.TB, l *wal.Log, id wal.SnapshotID, content []byte) {
	t.Helper()
	w, err := l.CreateSnapshot(id, []byte("meta"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func readSnapshot(l *wal.Log, id wal.SnapshotID) ([]byte, error) {
	r, err := l.OpenSnapshot(id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err == nil && string(r.Meta()) != "meta" {
		err = errors.New("meta data has changed")
	}
	return b, err
}

func TestSnapshotGivesBackWhatWasWritten(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	for i, size := range []int{0, 1, 256<<10 - 1, 256 << 10, 256<<10 + 1, 20 << 20} {
		id := wal.SnapshotID{Index: uint64(i + 1), Term: 1}
		content := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		writeSnapshot(t, l, id, content)
		if got, err := readSnapshot(l, id); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes: %d bytes, %v", size, len(got), err)
		}
	}
	r, err := l.OpenSnapshot(wal.SnapshotID{Index: 4, Term: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(r, bytes.Repeat([]byte("abcdefg"), 40000)[:256<<10]); err != nil {
		t.Error(err)
	}
	ids, err := l.Snapshots()
	if want := []wal.SnapshotID{{6, 1}, {5, 1}, {4, 1}}; err != nil || len(ids) != 3 || ids[0] != want[0] || ids[2] != want[2] {
		t.Errorf("snapshots = %v, %v, want %v", ids, err, want)
	}
	if err := l.SetAside(ids[1]); err != nil {
		t.Fatal(err)
	}
	if ids, _ := l.Snapshots(); len(ids) != 2 {
		t.Errorf("snapshots = %v", ids)
	}
	if err := l.SetAside(ids[2]); err != nil {
		t.Fatal(err)
	}
	names, _ := disk.ReadDir(dir)
	names = slices.DeleteFunc(names, func(s string) bool { return !strings.HasSuffix(s, ".bad") })
	if len(names) != 1 || dir+"/"+names[0] != l.File(ids[2])+".bad" {
		t.Errorf("set aside: %v", names)
	}
}

// Every byte of a snapshot is damaged: reading fails and names file and
// offset, or gives what was written. It never gives anything else.
func TestDamagedSnapshotIsNeverTakenForGood(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	id := wal.SnapshotID{Index: 1, Term: 1}
	content := bytes.Repeat([]byte("abc"), 300)
	writeSnapshot(t, l, id, content)
	name := l.File(id)
	good := bytes.Clone(disk.Bytes(name))
	for _, damage := range damages {
		for at := range good {
			b := damage.do(bytes.Clone(good), at)
			disk.SetBytes(name, b)
			got, err := readSnapshot(l, id)
			if bytes.Equal(b, good) {
				continue
			}
			if err == nil {
				t.Fatalf("%s at %d: read %d bytes", damage.name, at, len(got))
			}
			if damaged, ok := errors.AsType[*wal.DamageError](err); !ok || damaged.File != name {
				t.Fatalf("%s at %d: %v", damage.name, at, err)
			}
			if !bytes.HasPrefix(content, got) {
				t.Fatalf("%s at %d: gave other data before the error", damage.name, at)
			}
		}
	}
	disk.SetBytes(name, append(good, 0))
	if _, err := readSnapshot(l, id); !errors.Is(err, wal.ErrDamaged) {
		t.Errorf("trailing garbage: %v", err)
	}
}

func TestAbortedSnapshotLeavesNothing(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	before, _ := disk.ReadDir(dir)
	w, err := l.CreateSnapshot(wal.SnapshotID{Index: 1, Term: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, 1<<20))
	w.Abort()
	if after, _ := disk.ReadDir(dir); len(after) != len(before) {
		t.Errorf("files: %v, before: %v", after, before)
	}
}
