package wal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// fsyncgate: after a failed sync the pages may be clean and lost, and the next
// sync succeeds. The log must not try.
func TestFailedWriteOrSyncEndsTheLog(t *testing.T) {
	for _, op := range []waltest.Op{waltest.OpSync, waltest.OpWrite} {
		t.Run(string(op), func(t *testing.T) {
			disk := waltest.New(1)
			l := open(t, small(disk))
			appendEach(t, l, 1, 1, 3)
			disk.Inject(func(o waltest.Op, name string) error {
				if o == op && strings.HasSuffix(name, ".spare") {
					return syscall.EIO
				}
				return nil
			})
			err := l.Append(wal.HardState{}, entries(4, 1, 1))
			if !errors.Is(err, wal.ErrFailed) || !errors.Is(err, syscall.EIO) {
				t.Fatalf("append = %v", err)
			}
			disk.Inject(nil)
			if err := l.Append(wal.HardState{}, entries(4, 1, 1)); !errors.Is(err, wal.ErrFailed) {
				t.Errorf("append after a failure = %v", err)
			}
			if err := l.Prepare(); !errors.Is(err, wal.ErrFailed) {
				t.Errorf("prepare after a failure = %v", err)
			}
			if err := l.Close(); err != nil {
				t.Errorf("close = %v", err)
			}
			// What the cache shows may be more than the disk has: both the
			// next process and the one after a power cut must agree.
			l = open(t, small(disk.Kill()))
			_, last := l.Bounds()
			l = open(t, small(disk.PowerCut()))
			check(t, l, min(last, 3), 1)
		})
	}
}

// The process ends because a sync failed; the page cache still has the group.
// Recovery takes it, so it must put it on the disk first.
func TestGroupSeenAfterFailedSyncIsMadeDurable(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	appendEach(t, l, 1, 1, 3)
	disk.Inject(func(o waltest.Op, name string) error {
		if o == waltest.OpSync {
			return syscall.EIO
		}
		return nil
	})
	if err := l.Append(wal.HardState{}, entries(4, 1, 1)); err == nil {
		t.Fatal("append succeeded")
	}
	disk = disk.Kill()
	check(t, open(t, small(disk)), 4, 1)
	check(t, open(t, small(disk.PowerCut())), 4, 1)
}

func TestFullDiskHitsPreparationOnly(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	disk.SetCapacity(disk.Used() + 100)
	if err := l.Prepare(); !errors.Is(err, wal.ErrDiskFull) {
		t.Fatalf("prepare = %v", err)
	}
	if !l.Full() {
		t.Error("the log is not full")
	}
	last := uint64(0)
	for ; l.Reserve() > 0; last++ {
		appendEach(t, l, last+1, 1, 1)
	}
	for range 3 {
		if err := l.Append(wal.HardState{Term: 1}, entries(last+1, 1, 1)); !errors.Is(err, wal.ErrDiskFull) || errors.Is(err, wal.ErrFailed) {
			t.Fatalf("append = %v", err)
		}
	}
	check(t, l, last, 1)

	// A restart needs no room either.
	copied := disk.Clone()
	copied.SetCapacity(copied.Used())
	check(t, open(t, small(copied)), last, 1)
	check(t, open(t, small(copied.PowerCut())), last, 1)

	w, err := l.CreateSnapshot(wal.SnapshotID{Index: 1, Term: 1}, nil)
	if err == nil {
		w.Write(make([]byte, 10<<10)) // Commit says what is wrong
		_, err = w.Commit()
	}
	if !errors.Is(err, wal.ErrDiskFull) {
		t.Errorf("snapshot = %v", err)
	}
	if names, _ := disk.ReadDir(dir); strings.Contains(strings.Join(names, " "), ".tmp") {
		t.Errorf("left behind: %v", names)
	}

	disk.SetCapacity(0)
	if err := l.Prepare(); err != nil || l.Full() {
		t.Fatalf("prepare = %v, full = %v", err, l.Full())
	}
	appendEach(t, l, last+1, 1, 20)
	check(t, l, last+20, 1)
	check(t, open(t, small(disk.Kill())), last+20, 1)
}

func TestTooLargeGroupIsRefusedAndHarmless(t *testing.T) {
	l := open(t, small(waltest.New(1)))
	e := wal.Entry{Index: 1, Term: 1, Data: make([]byte, l.MaxEntryBytes()+1)}
	if err := l.Append(wal.HardState{Term: 1}, []wal.Entry{e}); !errors.Is(err, wal.ErrTooLarge) {
		t.Errorf("append = %v", err)
	}
	e.Data = e.Data[1:]
	if err := l.Append(wal.HardState{Term: 1}, []wal.Entry{e}); err != nil {
		t.Error(err)
	}
}

// A group is padded to whole sectors, and must be within the limit with that, too.
func TestTheLargestEntryFitsWhateverTheLimit(t *testing.T) {
	for _, limit := range []int64{2048, 2049, 2500, 1 << 20} {
		o := small(waltest.New(1))
		o.MaxGroupBytes = limit
		l := open(t, o)
		e := wal.Entry{Index: 1, Term: 1, Data: make([]byte, l.MaxEntryBytes())}
		if err := l.Append(wal.HardState{Term: 1}, []wal.Entry{e}); err != nil {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

func TestMisplacedEntriesAreRefused(t *testing.T) {
	l := open(t, small(waltest.New(1)))
	appendEach(t, l, 1, 1, 5)
	if err := l.Truncate(3, 1); err != nil {
		t.Fatal(err)
	}
	gap := []wal.Entry{{Index: 6, Term: 1}, {Index: 8, Term: 1}}
	for _, es := range [][]wal.Entry{entries(7, 1, 1), entries(3, 1, 1), gap} {
		if err := l.Append(wal.HardState{}, es); err == nil {
			t.Errorf("append of %d was taken", es[0].Index)
		}
	}
	check(t, l, 5, 1)
}

func TestDirectoryIsOpenedOnce(t *testing.T) {
	o := wal.Options{Dir: t.TempDir(), SegmentBytes: 8 << 10}
	l := open(t, o)
	_, err := wal.Open(o)
	if !errors.Is(err, wal.ErrLocked) || !strings.Contains(err.Error(), o.Dir) {
		t.Errorf("second open = %v", err)
	}
	t.Log(err)
	l.Close()
	open(t, o)
}

func TestOtherFormatIsRefused(t *testing.T) {
	o := wal.Options{Dir: t.TempDir(), SegmentBytes: 8 << 10}
	open(t, o).Close()
	name := filepath.Join(o.Dir, "IDENTITY")
	if err := os.WriteFile(name, []byte("mw data directory, format 7\nsomething else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := wal.Open(o)
	if !errors.Is(err, wal.ErrVersion) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), o.Dir) {
		t.Errorf("open = %v", err)
	}
	t.Log(err)
}

func TestLostFilesAreNoticed(t *testing.T) {
	for _, lost := range []string{"IDENTITY", "0000000000000001.log", "0000000000000002.log", "0000000000000003.log"} {
		disk := waltest.New(1)
		l := open(t, small(disk))
		appendEach(t, l, 1, 1, 40)
		l.Close()
		if err := disk.Remove(dir + "/" + lost); err != nil {
			t.Fatal(err)
		}
		l, err := wal.Open(small(disk.Clone()))
		switch {
		case lost == "0000000000000001.log": // as if truncated; the owner notices that no snapshot covers it
			if base, _ := l.Bounds(); err != nil || base == 0 {
				t.Errorf("without %s: base = %d, %v", lost, base, err)
			}
		case !errors.Is(err, wal.ErrDamaged):
			t.Errorf("without %s: %v", lost, err)
		}
	}
}

func TestUnusableDirectoryIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "data"), "/proc/mw"} {
		_, err := wal.Open(wal.Options{Dir: path})
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("open %s = %v", path, err)
		}
		t.Log(err)
	}
}

func TestIdentityIsKept(t *testing.T) {
	o := small(waltest.New(1))
	o.Identity = func() []byte { return []byte("member 7\n") }
	l := open(t, o)
	l.Close()
	o.Identity = func() []byte { t.Error("asked again"); return nil }
	if got := string(open(t, o).Identity()); got != "member 7\n" {
		t.Errorf("identity = %q", got)
	}
}
