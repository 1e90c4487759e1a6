package wal_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

const dir = "/data"

// small are options for logs whose files tests look at byte by byte.
func small(fs wal.FS) wal.Options {
	return wal.Options{Dir: dir, FS: fs, SegmentBytes: 8 << 10, MaxGroupBytes: 4 << 10, WatermarkEvery: -1}
}

func open(t testing.TB, o wal.Options) *wal.Log {
	t.Helper()
	l, err := wal.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// entries makes n entries from index first on, of the given term.
func entries(first, term uint64, n int) []wal.Entry {
	var es []wal.Entry
	for i := range uint64(n) {
		es = append(es, wal.Entry{Index: first + i, Term: term, Data: fmt.Appendf(nil, "entry %d of term %d", first+i, term)})
	}
	return es
}

// appendEach appends n entries, each in a group of its own.
func appendEach(t testing.TB, l *wal.Log, first, term uint64, n int) {
	t.Helper()
	for _, e := range entries(first, term, n) {
		if err := l.Append(wal.HardState{Term: term, Commit: e.Index - 1}, []wal.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
}

// check fails unless the log holds what entries made, up to last.
func check(t testing.TB, l *wal.Log, last, term uint64) {
	t.Helper()
	if err := holds(l, last, term); err != nil {
		t.Fatal(err)
	}
}

func holds(l *wal.Log, wantLast, term uint64) error {
	base, last := l.Bounds()
	if last != wantLast {
		return fmt.Errorf("last = %d, want %d", last, wantLast)
	}
	got, err := l.Entries(base+1, last+1, 1<<40)
	if err != nil {
		return err
	}
	for i, want := range entries(base+1, term, int(last-base)) {
		if e := got[i]; e.Index != want.Index || e.Term != want.Term || !bytes.Equal(e.Data, want.Data) {
			return fmt.Errorf("entry %d = %+v, want %+v", want.Index, e, want)
		}
		if tm, err := l.Term(want.Index); err != nil || tm != term {
			return fmt.Errorf("term of %d = %d, %v", want.Index, tm, err)
		}
	}
	return nil
}

func TestLogSurvivesReopening(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	if !l.Recovered().New {
		t.Error("a new directory is not reported as new")
	}
	appendEach(t, l, 1, 1, 40) // three segments
	check(t, l, 40, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, small(disk))
	check(t, l, 40, 1)
	if r := l.Recovered(); !r.Clean || r.Segments != 3 || r.Rewritten != "" || r.Torn != nil {
		t.Errorf("recovery = %+v", r)
	}
	if hs := l.HardState(); hs != (wal.HardState{Term: 1, Commit: 39}) {
		t.Errorf("hard state = %+v", hs)
	}
	appendEach(t, l, 41, 1, 40)
	check(t, l, 80, 1)
}

func TestKilledProcessLosesNothing(t *testing.T) {
	disk := waltest.New(1)
	appendEach(t, open(t, small(disk)), 1, 1, 20)
	l := open(t, small(disk.Kill()))
	check(t, l, 20, 1)
	if l.Recovered().Rewritten == "" {
		t.Error("the last segment was not rewritten")
	}
}

// etcd issue 22442: entries that an overwrite removed came back when a
// snapshot lay at or above the overwrite.
func TestOverwrittenEntriesStayGone(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	for _, es := range [][]wal.Entry{entries(1, 1, 5), entries(3, 2, 2)} {
		if err := l.Append(wal.HardState{Term: es[0].Term}, es); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Truncate(4, 2); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, last := l.Bounds(); last != 4 {
			t.Errorf("last = %d, want 4", last)
		}
		if _, err := l.Entries(5, 6, 1); !errors.Is(err, wal.ErrUnavailable) {
			t.Errorf("entry 5: %v", err)
		}
		if term, err := l.Term(4); term != 2 || err != nil {
			t.Errorf("term of 4 = %d, %v", term, err)
		}
		disk = disk.Kill()
		l = open(t, small(disk))
	}
}
