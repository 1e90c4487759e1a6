package wal_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// forged is data with the header of a group at every offset from a sector's
// beginning, so that some lie where groups do. Each is what anybody can make
// who knows the format but not the seed of the segment.
func forged(seq uint64, size uint32) []byte {
	g := make([]byte, 24)
	binary.BigEndian.PutUint32(g, 0x6d776731)
	binary.BigEndian.PutUint64(g[8:], seq)
	binary.BigEndian.PutUint32(g[16:], size)
	binary.BigEndian.PutUint32(g[4:], crc32.Checksum(g[8:], crc32.MakeTable(crc32.Castagnoli)))
	b := make([]byte, 512*513)
	for at := 0; at+len(g) <= len(b); at += 513 {
		copy(b[at:], g)
	}
	return b
}

// Clients choose what is stored. What they store must not be able to pass for
// a part of the log when the segment is used again.
func TestForgedGroupsAreNotBelieved(t *testing.T) {
	for _, size := range []uint32{0, 200 << 10} {
		disk := waltest.New(1)
		o := wal.Options{Dir: dir, FS: disk, SegmentBytes: 1 << 20, WatermarkEvery: -1}
		l := open(t, o)
		next := uint64(1)
		add := func(data []byte) {
			t.Helper()
			if err := l.Append(wal.HardState{Term: 1}, []wal.Entry{{Index: next, Term: 1, Data: data}}); err != nil {
				t.Fatal(err)
			}
			next++
		}
		for range 12 {
			add(forged(1<<40, size))
		}
		for range 2 { // into a segment used before, by steps
			if err := l.Truncate(next-1, 1); err != nil {
				t.Fatal(err)
			}
			for range 7 {
				add(make([]byte, 100_000))
				killed := o
				killed.FS = disk.Clone()
				copied, err := wal.Open(killed)
				if err != nil {
					t.Fatalf("entry %d: %v", next-1, err)
				}
				if _, last := copied.Bounds(); last != next-1 || copied.Recovered().Torn != nil {
					t.Fatalf("last = %d after %d, recovery = %+v", last, next-1, copied.Recovered())
				}
				copied.Close()
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, o)
		if _, last := l.Bounds(); !l.Recovered().Clean || last != next-1 {
			t.Errorf("last = %d, recovery = %+v", last, l.Recovered())
		}
	}
}

// A segment that is used again has a new seed: a group of its earlier use is
// not one of now, even with a number that would fit.
func TestEachUseOfASegmentHasItsOwnSeed(t *testing.T) {
	disk := waltest.New(1)
	l := open(t, small(disk))
	seeds := map[string]bool{}
	for next := uint64(1); next < 200; next += 20 {
		appendEach(t, l, next, 1, 20)
		if err := l.Truncate(next+18, 1); err != nil {
			t.Fatal(err)
		}
		names, _ := disk.ReadDir(dir)
		for _, name := range names {
			if b := disk.Bytes(dir + "/" + name); bytes.HasPrefix(b, []byte("mwlog")) {
				seeds[string(b[24:32])+string(b[88:96])] = true // with the number of the segment
			}
		}
	}
	bySeed := map[string]bool{}
	for s := range seeds {
		bySeed[s[8:]] = true
	}
	if len(seeds) < 10 || len(bySeed) != len(seeds) {
		t.Errorf("%d seeds for %d uses", len(bySeed), len(seeds))
	}
}
