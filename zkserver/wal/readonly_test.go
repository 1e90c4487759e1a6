package wal_test

import (
	"errors"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
)

func TestALogOpenedToReadCanBeSharedAndNotWritten(t *testing.T) {
	o := wal.Options{Dir: t.TempDir(), SegmentBytes: 64 << 10}
	l, err := wal.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(wal.HardState{Term: 1}, []wal.Entry{{Index: 1, Term: 1, Data: []byte("one")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := wal.OpenReadOnly(o); !errors.Is(err, wal.ErrLocked) {
		t.Errorf("opened beside its writer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // both stay open
		l, err := wal.OpenReadOnly(o)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if got, err := l.Entries(1, 2, 1<<20); err != nil || string(got[0].Data) != "one" {
			t.Errorf("entries %v, %v", got, err)
		}
		if err := l.Append(wal.HardState{}, []wal.Entry{{Index: 2, Term: 1}}); !errors.Is(err, wal.ErrReadOnly) {
			t.Errorf("append: %v", err)
		}
		if _, err := l.CreateSnapshot(wal.SnapshotID{Index: 1, Term: 1}, nil); !errors.Is(err, wal.ErrReadOnly) {
			t.Errorf("create snapshot: %v", err)
		}
	}
	if _, err := wal.Open(o); !errors.Is(err, wal.ErrLocked) {
		t.Errorf("opened beside its readers: %v", err)
	}
}
