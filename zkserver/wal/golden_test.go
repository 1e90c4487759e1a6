package wal_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

var update = flag.Bool("update", false, "write testdata anew: only with a new format version")

// A directory written by the first version of this format must be readable for
// ever, and must be what is written today.
func TestFormat1IsReadForEver(t *testing.T) {
	const golden = "testdata/format1"
	if *update {
		writeGolden(t, golden)
	}
	disk := waltest.New(1)
	names, err := filepath.Glob(golden + "/*")
	if err != nil || len(names) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		disk.SetBytes(filepath.Join(dir, filepath.Base(name)), b)
	}
	l := open(t, tiny(disk))
	if !l.Recovered().Clean || string(l.Identity()) != "member 1\n" {
		t.Errorf("recovery = %+v, identity = %q", l.Recovered(), l.Identity())
	}
	check(t, l, tinyEntries, 3)
	if hs := l.HardState(); hs != (wal.HardState{Term: 3, Vote: 2, Commit: tinyEntries}) {
		t.Errorf("hard state = %+v", hs)
	}
	got, err := readSnapshot(l, wal.SnapshotID{Index: 4, Term: 3})
	if err != nil || !bytes.Equal(got, []byte("the state")) {
		t.Errorf("snapshot = %q, %v", got, err)
	}
}

func writeGolden(t *testing.T, golden string) {
	disk := waltest.New(1)
	o := tiny(disk)
	o.Identity = func() []byte { return []byte("member 1\n") }
	l := open(t, o)
	appendEach(t, l, 1, 3, tinyEntries)
	if err := l.Append(wal.HardState{Term: 3, Vote: 2, Commit: tinyEntries}, nil); err != nil {
		t.Fatal(err)
	}
	writeSnapshot(t, l, wal.SnapshotID{Index: 4, Term: 3}, []byte("the state"))
	l.Close()
	names, _ := disk.ReadDir(dir)
	if err := os.MkdirAll(golden, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(golden, name), disk.Bytes(filepath.Join(dir, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
