package wal_test

import (
	"bytes"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// On a full disk the last segment is written over in place. The power may be
// cut meanwhile, as often as it likes: the log stays good. What the segment
// held before are groups larger than what zeroing them leaves.
func TestInterruptedRewriteInPlaceIsMadeGood(t *testing.T) {
	base := waltest.New(1)
	o := wal.Options{Dir: dir, FS: base, SegmentBytes: 256 << 10, MaxGroupBytes: 8 << 10, WatermarkEvery: -1}
	l := open(t, o)
	next := uint64(1)
	add := func(n, size int) {
		for range n {
			e := wal.Entry{Index: next, Term: 1, Data: bytes.Repeat([]byte{7}, size)}
			if err := l.Append(wal.HardState{Term: 1}, []wal.Entry{e}); err != nil {
				t.Fatal(err)
			}
			next++
		}
	}
	add(80, 7000)
	if err := l.Truncate(next-1, 1); err != nil {
		t.Fatal(err)
	}
	add(40, 7000) // the active segment is a used one
	for seed := range uint64(12) {
		disk := base.Clone()
		for calls := int(seed % 6); calls < 12; calls += 2 {
			disk.SetCapacity(disk.Used())
			left := calls
			disk.Inject(func(op waltest.Op, _ string) error {
				if op == waltest.OpWrite || op == waltest.OpSync {
					left--
				}
				if left < 0 {
					return waltest.ErrPowerCut
				}
				return nil
			})
			o.FS = disk
			if l, err := wal.Open(o); err == nil {
				l.Close()
			}
			disk = disk.PowerCut()
		}
		disk.SetCapacity(0)
		o.FS = disk
		l, err := wal.Open(o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if _, last := l.Bounds(); last != next-1 {
			t.Fatalf("seed %d: last = %d, want %d", seed, last, next-1)
		}
		l.Close()
	}
}
