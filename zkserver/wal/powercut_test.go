package wal_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run the power cuts of this seed only")
	seedsFlag = flag.Uint64("seeds", 150, "run the power cuts of this many seeds")
)

// eachSeed runs f for each seed, as a test of that name.
func eachSeed(t *testing.T, f func(t *testing.T, seed uint64)) {
	if *seedFlag != 0 {
		f(t, *seedFlag)
		return
	}
	for seed := range *seedsFlag {
		f(t, seed+1)
		if t.Failed() {
			t.Fatalf("run again with -seed=%d", seed+1)
		}
	}
}

// A life is one run of a process on a log, against a model of what the log
// must hold.
type life struct {
	rng  *rand.Rand
	disk *waltest.Disk
	log  *wal.Log

	model          // what is acknowledged
	maybe   *model // what will be if the call under way has happened
	snaps   map[wal.SnapshotID][]byte
	version uint64 // makes contents differ
}

// A model is what a log should hold.
type model struct {
	base    uint64 // truncated up to here; the log may hold more
	entries []wal.Entry
	hard    wal.HardState
}

func (m model) last() uint64 {
	if len(m.entries) == 0 {
		return 0
	}
	return m.entries[len(m.entries)-1].Index
}

// same reports how the log differs from the model.
func (m model) same(l *wal.Log) error {
	base, last := l.Bounds()
	if last != m.last() || base > m.base {
		return fmt.Errorf("log has %d to %d, want %d to %d", base+1, last, m.base+1, m.last())
	}
	if l.HardState() != m.hard {
		return fmt.Errorf("hard state is %+v, want %+v", l.HardState(), m.hard)
	}
	got, err := l.Entries(m.base+1, last+1, 1<<30)
	if err != nil {
		return err
	}
	for i, want := range m.entries[m.base:] {
		if e := got[i]; e.Index != want.Index || e.Term != want.Term || e.Type != want.Type || !bytes.Equal(e.Data, want.Data) {
			return fmt.Errorf("entry %d is %v@%d, want %v@%d", e.Index, e.Data, e.Term, want.Data, want.Term)
		}
	}
	return nil
}

// appendSome appends a few entries, sometimes over others.
func (l *life) appendSome() error {
	next := model{base: l.base, entries: slices.Clone(l.entries), hard: l.hard}
	first := l.last() + 1
	if keep := max(l.base, l.hard.Commit); l.rng.IntN(4) == 0 && l.last() > keep {
		first = keep + 1 + l.rng.Uint64N(l.last()-keep)
		next.hard.Term++
	}
	next.entries = next.entries[:first-1]
	next.hard.Term = max(next.hard.Term, 1)
	var group []wal.Entry
	for i := range uint64(1 + l.rng.IntN(4)) {
		l.version++
		data := bytes.Repeat(fmt.Appendf(nil, "%d ", l.version), l.rng.IntN(200))
		group = append(group, wal.Entry{Index: first + i, Term: next.hard.Term, Type: uint8(l.rng.IntN(2)), Data: data})
	}
	next.entries = append(next.entries, group...)
	next.hard.Commit = max(next.hard.Commit, first-1)
	l.maybe = &next
	if err := l.log.Append(next.hard, group); err != nil {
		return err
	}
	l.model, l.maybe = next, nil
	return nil
}

// snapshot writes a snapshot of some entry and truncates the log before it.
func (l *life) snapshot() error {
	if l.hard.Commit <= l.base {
		return nil
	}
	e := l.entries[l.hard.Commit-1]
	id := wal.SnapshotID{Index: e.Index, Term: e.Term}
	content := bytes.Repeat(e.Data, l.rng.IntN(400))
	w, err := l.log.CreateSnapshot(id, []byte("meta"))
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		w.Abort()
		return err
	}
	if _, err := w.Commit(); err != nil {
		return err
	}
	l.snaps[id] = content
	l.base = id.Index
	return l.log.Truncate(id.Index, id.Term)
}

// checkSnapshots reads all snapshots there are: each must be whole, and the
// newest one that was acknowledged must be there.
func (l *life) checkSnapshots() error {
	ids, err := l.log.Snapshots()
	if err != nil {
		return err
	}
	newest := uint64(0)
	for _, id := range ids {
		newest = max(newest, id.Index)
		r, err := l.log.OpenSnapshot(id)
		if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if want, ok := l.snaps[id]; ok && !bytes.Equal(content, want) {
			return fmt.Errorf("snapshot %v has changed", id)
		}
	}
	if newest < l.base {
		return fmt.Errorf("newest snapshot is of %d, but %d was truncated", newest, l.base)
	}
	return nil
}

// live opens the log and works on it until the disk fails.
func (l *life) live() error {
	var err error
	if l.log, err = wal.Open(small(l.disk)); err != nil {
		return err
	}
	if err := l.model.same(l.log); err != nil {
		if l.maybe == nil || l.maybe.same(l.log) != nil {
			return fmt.Errorf("after recovery: %w", err)
		}
		l.model = *l.maybe
	}
	l.maybe = nil
	if err := l.checkSnapshots(); err != nil {
		return fmt.Errorf("after recovery: %w", err)
	}
	for {
		switch n := l.rng.IntN(20); {
		case n == 0:
			err = l.snapshot()
		case n == 1:
			err = l.log.Prepare()
		case n == 2:
			err = l.log.Mark()
		default:
			err = l.appendSome()
		}
		if err != nil {
			return err
		}
	}
}

// run lives several times, each until the power is cut or the process killed
// at some call that changes the disk.
func (l *life) run(inject func(op waltest.Op, name string) error) error {
	for range 6 {
		left := l.rng.IntN(120)
		l.disk.Inject(func(op waltest.Op, name string) error {
			if left--; left < 0 {
				return waltest.ErrPowerCut
			}
			return inject(op, name)
		})
		if err := l.live(); !errors.Is(err, waltest.ErrPowerCut) {
			return err
		}
		if l.rng.IntN(3) == 0 {
			l.disk = l.disk.Kill()
		} else {
			l.disk = l.disk.PowerCut()
		}
	}
	return nil
}

func newLife(seed uint64) *life {
	return &life{
		rng: rand.New(rand.NewPCG(seed, 1)), disk: waltest.New(seed),
		snaps: map[wal.SnapshotID][]byte{},
	}
}

func TestPowerCutLosesNothingAcknowledged(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		if err := newLife(seed).run(func(waltest.Op, string) error { return nil }); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	})
}

// The test above must be able to fail: with each kind of sync left out, some
// seed must notice.
func TestPowerCutNoticesAMissingSync(t *testing.T) {
	for _, planted := range []struct {
		name string
		op   waltest.Op
		file string
	}{
		{"segment", waltest.OpSync, ".spare"}, // the name under which it was opened
		{"rewritten segment", waltest.OpSync, ".log.tmp"},
		{"snapshot", waltest.OpSync, ".snap.tmp"},
		{"directory", waltest.OpSyncDir, ""},
	} {
		t.Run(planted.name, func(t *testing.T) {
			for seed := range uint64(200) {
				err := newLife(seed).run(func(op waltest.Op, name string) error {
					if op == planted.op && strings.HasSuffix(name, planted.file) {
						return waltest.ErrLie
					}
					return nil
				})
				if err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("not noticed")
		})
	}
}
