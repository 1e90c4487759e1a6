package wal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// tiny are options for logs small enough to damage at every byte.
func tiny(fs wal.FS) wal.Options {
	return wal.Options{Dir: dir, FS: fs, SegmentBytes: 4 << 10, MaxGroupBytes: 2 << 10, WatermarkEvery: -1}
}

const tinyEntries = 9

// tinyLog makes a log of two segments, the last group of more than one sector.
// Its last segment was used before.
func tinyLog(t *testing.T, o wal.Options) {
	t.Helper()
	l, err := wal.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	appendEach(t, l, 1, 1, tinyEntries-2)
	long := entries(tinyEntries-1, 1, 2)
	if err := l.Append(wal.HardState{Term: 1, Commit: tinyEntries - 2}, long[:1]); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(wal.HardState{}, []wal.Entry{longEntry(tinyEntries)}); err != nil {
		t.Fatal(err)
	}
}

func longEntry(i uint64) wal.Entry {
	return wal.Entry{Index: i, Term: 1, Data: bytes.Repeat([]byte{byte(i)}, 700)}
}

// tinyHolds gives how many entries the log holds, and an error unless they
// are the first ones, exactly as written.
func tinyHolds(l *wal.Log) (uint64, error) {
	_, last := l.Bounds()
	if last > tinyEntries {
		return last, fmt.Errorf("%d entries, only %d were written", last, tinyEntries)
	}
	got, err := l.Entries(1, last+1, 1<<20)
	if err != nil {
		return last, err
	}
	want := append(entries(1, 1, tinyEntries-1), longEntry(tinyEntries))
	for i, e := range got {
		if e.Index != want[i].Index || e.Term != 1 || !bytes.Equal(e.Data, want[i].Data) {
			return last, fmt.Errorf("entry %d is not what was written", i+1)
		}
	}
	return last, nil
}

// damages are ways to destroy a file at an offset.
var damages = []struct {
	name string
	size int // how many bytes it touches
	step int // how far apart it is done
	do   func(b []byte, at int) []byte
}{
	{"flip", 1, 1, func(b []byte, at int) []byte { b[at] ^= 0x10; return b }},
	{"cut", 1 << 20, 1, func(b []byte, at int) []byte { return b[:at] }},
	{"zero 8", 8, 5, func(b []byte, at int) []byte { clear(b[at:min(at+8, len(b))]); return b }},
	{"zero 512", 512, 5, func(b []byte, at int) []byte { clear(b[at:min(at+512, len(b))]); return b }},
	{"zero to end", 1 << 20, 5, func(b []byte, at int) []byte { clear(b[at:]); return b }},
}

// Every byte of every file of a closed log is damaged in five ways. Nothing
// may be lost, since everything was synced: the log is whole or refused.
func TestDamageNeverLosesSyncedEntries(t *testing.T) {
	for _, stop := range []string{"closed", "killed"} {
		t.Run(stop, func(t *testing.T) {
			disk := waltest.New(1)
			tinyLog(t, tiny(disk))
			disk = disk.Clone()
			if stop == "closed" {
				l := open(t, tiny(disk))
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			names, _ := disk.ReadDir(dir)
			for _, name := range names {
				if strings.HasSuffix(name, ".spare") {
					continue
				}
				damageEverywhere(t, disk, dir+"/"+name, func(l *wal.Log, _, _ int) error {
					n, err := tinyHolds(l)
					if err == nil && n != tinyEntries {
						err = fmt.Errorf("%d of %d synced entries", n, tinyEntries)
					}
					return err
				})
			}
		})
	}
}

// Without a watermark, damage that looks like a torn tail may cost groups, but
// none before the damage, and none if a good group lies behind it.
func TestDamageWithoutWatermarkCutsOnlyTheTail(t *testing.T) {
	disk := waltest.New(1)
	o := tiny(disk)
	o.WatermarkEvery = 1 << 40
	tinyLog(t, o)
	disk = disk.Clone()

	const last = dir + "/0000000000000002.log"
	lastGroup := bytes.LastIndex(disk.Bytes(last), []byte("mwg1"))
	for _, segment := range []string{dir + "/0000000000000001.log", last} {
		damageEverywhere(t, disk, segment, func(l *wal.Log, from, to int) error {
			n, err := tinyHolds(l)
			if err != nil {
				return err
			}
			before := uint64(tinyEntries - 1 - (lastGroup-from+511)/512) // whole groups
			switch {
			case n == tinyEntries:
			case segment != last, to <= lastGroup:
				return fmt.Errorf("%d entries left, but good groups follow the damage", n)
			case n < min(before, tinyEntries-1):
				return fmt.Errorf("%d entries left, %d were before the damage", n, before)
			}
			return nil
		})
	}
}

// damageEverywhere opens the log after each damage to a file. It must be
// refused with one line that names a file, or check must be content with it.
// The bytes damaged are passed to check.
func damageEverywhere(t *testing.T, disk *waltest.Disk, name string, check func(l *wal.Log, from, to int) error) {
	t.Helper()
	opened, refused := 0, 0
	size := len(disk.Bytes(name))
	for _, damage := range damages {
		for at := 0; at < size; at += damage.step * everyByte {
			d := disk.Clone()
			d.SetBytes(name, damage.do(d.Bytes(name), at))
			l, err := wal.Open(tiny(d))
			if err == nil {
				opened++
				err = check(l, at, min(size, at+damage.size))
				l.Close()
			} else {
				refused++
				err = oneLineOfDamage(err)
			}
			if err != nil {
				t.Fatalf("%s: %s at %d: %v", name, damage.name, at, err)
			}
		}
	}
	t.Logf("%s: %d bytes, opened %d times, refused %d times", name, size, opened, refused)
}

func oneLineOfDamage(err error) error {
	damaged, ok := errors.AsType[*wal.DamageError](err)
	switch {
	case strings.Contains(err.Error(), "\n"):
		return fmt.Errorf("more than one line: %q", err)
	case ok && strings.HasPrefix(damaged.File, dir), errors.Is(err, wal.ErrVersion):
		return nil
	}
	return fmt.Errorf("names no file: %q", err)
}

// A power cut tears the group that was being written. The log must be cut
// there, and go on.
func TestTornTailIsCut(t *testing.T) {
	for torn := 1; torn < 1536; torn += 37 {
		disk := waltest.New(1)
		l := open(t, tiny(disk))
		appendEach(t, l, 1, 1, 3)
		before := slices.Clone(disk.Bytes(dir + "/0000000000000001.log"))
		if err := l.Append(wal.HardState{}, []wal.Entry{{Index: 4, Term: 1, Data: bytes.Repeat([]byte{7}, 1400)}}); err != nil {
			t.Fatal(err)
		}
		after := disk.Bytes(dir + "/0000000000000001.log")
		end := 512 + 3*512
		copy(before[end:end+torn], after[end:])

		d := disk.Clone()
		d.SetBytes(dir+"/0000000000000001.log", before)
		d.SetBytes(dir+"/WATERMARK", make([]byte, 512)) // of the moment before
		l = open(t, tiny(d))
		_, last := l.Bounds()
		r := l.Recovered()
		if torn > 1445 { // all but padding
			if last != 4 {
				t.Fatalf("%d bytes: last = %d", torn, last)
			}
			continue
		}
		if last != 3 || torn >= 24 && (r.Torn == nil || r.Torn.Offset != int64(end)) {
			t.Fatalf("%d bytes: last = %d, torn = %+v", torn, last, r.Torn)
		}
		appendEach(t, l, 4, 1, 10)
		check(t, l, 13, 1)
	}
}

func TestGarbageLongerThanAGroupIsRefused(t *testing.T) {
	disk := waltest.New(1)
	o := wal.Options{Dir: dir, FS: disk, SegmentBytes: 64 << 10, MaxGroupBytes: 8 << 10, WatermarkEvery: 1 << 40}
	appendEach(t, open(t, o), 1, 1, 3)
	name := dir + "/0000000000000001.log"
	b := slices.Clone(disk.Bytes(name))
	end := 512 + 3*512
	rng := rand.New(rand.NewPCG(1, 1))
	for size := 512; size < 24<<10; size += 512 {
		for i := range size {
			b[end+i] = byte(rng.Uint32() | 1)
		}
		d := disk.Clone()
		d.SetBytes(name, slices.Clone(b))
		o.FS = d
		_, err := wal.Open(o)
		damaged, ok := errors.AsType[*wal.DamageError](err)
		if size <= 8<<10 {
			if err != nil {
				t.Fatalf("%d bytes of garbage: %v", size, err)
			}
		} else if !ok || damaged.File != name || damaged.Offset != int64(end) {
			t.Fatalf("%d bytes of garbage: %v", size, err)
		}
	}
}

// Segments are used again with their old groups in them. These are valid, but
// neither the log's nor a sign of damage, wherever the new tail lies.
func TestOldGroupsInARecycledSegmentAreIgnored(t *testing.T) {
	disk := waltest.New(1)
	o := small(disk)
	l := open(t, o)
	next := uint64(1)
	for range 300 {
		size := int(next*97) % 1800
		e := wal.Entry{Index: next, Term: 1, Data: bytes.Repeat([]byte{byte(next)}, size)}
		if err := l.Append(wal.HardState{Term: 1, Commit: next}, []wal.Entry{e}); err != nil {
			t.Fatal(err)
		}
		if next%5 == 0 && next > 20 {
			if err := l.Truncate(next-10, 1); err != nil {
				t.Fatal(err)
			}
		}
		copied := open(t, small(disk.Clone()))
		if _, last := copied.Bounds(); last != next {
			t.Fatalf("last = %d after %d", last, next)
		}
		if r := copied.Recovered(); r.Torn != nil {
			t.Fatalf("entry %d: old groups were taken for a torn tail: %+v", next, r.Torn)
		}
		next++
	}
	if disk.Used() > 100<<10 {
		t.Errorf("%d bytes used: segments were not recycled", disk.Used())
	}
}
