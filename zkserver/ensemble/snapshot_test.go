package ensemble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// often makes snapshots of a few batches each.
func often(disk *waltest.Disk) ensemble.Config {
	return ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 16 << 10, SnapshotEntries: 20}
}

func filesOf(disk *waltest.Disk) []string {
	names, _ := disk.ReadDir(dir)
	return names
}

func isSegment(name string) bool { return strings.HasSuffix(name, ".log") }

func snapshotsOf(disk *waltest.Disk) []string {
	return slices.DeleteFunc(filesOf(disk), func(s string) bool { return !strings.HasSuffix(s, ".snap") })
}

// work proposes n commands one by one and returns all that are applied.
func work(t *testing.T, n *ensemble.Node, m *machine, count int) []string {
	t.Helper()
	<-n.Ready()
	for range count {
		have := len(m.list())
		propose(t, n, fmt.Sprintf("command %d", have))
		if err := m.wait(t.Context(), have+1); err != nil {
			t.Fatal(err)
		}
	}
	return m.list()
}

// workUntilKept works on until as many snapshots as are kept are written, which
// goes on beside the work.
func workUntilKept(t *testing.T, disk *waltest.Disk, n *ensemble.Node, m *machine, count int) []string {
	t.Helper()
	for work(t, n, m, count); len(snapshotsOf(disk)) < 3; {
		work(t, n, m, 1)
	}
	return m.list()
}

func TestSnapshotsBoundTheDirectory(t *testing.T) {
	disk := waltest.New(1)
	var want []string
	for range 5 {
		n, m, stop := start(t, often(disk))
		<-n.Ready()
		if got := m.list(); !slices.Equal(got, want) {
			t.Fatalf("%d commands after restart, want %d", len(got), len(want))
		}
		want = workUntilKept(t, disk, n, m, 500)
		stop()
		if snaps := snapshotsOf(disk); len(snaps) != 3 {
			t.Errorf("snapshots: %v", snaps)
		}
		// Three snapshots, and the log since the oldest of them: a few batches of
		// 20, or many where the work got ahead of the snapshots beside it. All of
		// the log would be four times as much in the end.
		snapshot := int64(len(want) * 30)
		if limit := 3*snapshot + 24*(16<<10); disk.Used() > limit {
			t.Errorf("%d bytes used, want no more than %d", disk.Used(), limit)
		}
	}
}

func TestBadSnapshotCostsOnlyALongerReplay(t *testing.T) {
	disk := waltest.New(1)
	n, m, stop := start(t, often(disk))
	want := workUntilKept(t, disk, n, m, 200)
	stop()
	snaps := snapshotsOf(disk)
	newest := dir + "/" + snaps[len(snaps)-1]
	for _, at := range []int{3, 50, 70, len(disk.Bytes(newest)) - 1} {
		d := disk.Clone()
		d.Bytes(newest)[at] ^= 1
		n, m, stop := start(t, often(d))
		<-n.Ready()
		if got := m.list(); !slices.Equal(got, want) {
			t.Fatalf("byte %d: %d commands, want %d", at, len(got), len(want))
		}
		if m.restores != 1 {
			t.Errorf("byte %d: the machine was restored %d times", at, m.restores)
		}
		if d.Bytes(newest+".bad") == nil {
			t.Errorf("byte %d: the bad snapshot was not set aside", at)
		}
		want := work(t, n, m, 100)
		stop()
		n, m, stop = start(t, often(d))
		<-n.Ready()
		if !slices.Equal(m.list(), want) {
			t.Errorf("byte %d: lost commands after the fall-back", at)
		}
		stop()
	}
}

func TestOnlyBadSnapshotsAreRefused(t *testing.T) {
	disk := waltest.New(1)
	n, m, stop := start(t, often(disk))
	workUntilKept(t, disk, n, m, 200)
	stop()
	for _, name := range snapshotsOf(disk) {
		disk.Bytes(dir + "/" + name)[60] ^= 1
	}
	before, _ := disk.ReadDir(dir)
	cfg := often(disk)
	cfg.Machine = newMachine()
	_, err := ensemble.Open(cfg)
	if !errors.Is(err, wal.ErrDamaged) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
		t.Errorf("open = %v", err)
	}
	t.Log(err)
	if after, _ := disk.ReadDir(dir); !slices.Equal(before, after) {
		t.Errorf("files: %v, before: %v", after, before)
	}
}

func TestMissingSnapshotsAreRefused(t *testing.T) {
	disk := waltest.New(1)
	n, m, stop := start(t, often(disk))
	before := filesOf(disk)
	first := before[slices.IndexFunc(before, isSegment)]
	workUntilKept(t, disk, n, m, 200)
	for slices.Contains(filesOf(disk), first) { // the log still has all there was
		work(t, n, m, 1)
	}
	stop()
	for _, name := range snapshotsOf(disk) {
		if err := disk.Remove(dir + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ensemble.Open(ensemble.Config{Dir: dir, FS: disk, Machine: newMachine()}); !errors.Is(err, wal.ErrDamaged) {
		t.Errorf("open = %v", err)
	}
}

// A discarding machine counts the captures it was told to discard.
type discarding struct {
	*machine
	captured, discarded, written atomic.Int32
}

func (d *discarding) Capture() io.WriterTo {
	d.captured.Add(1)
	return discardable{d.machine.Capture(), d}
}

type discardable struct {
	io.WriterTo
	of *discarding
}

func (d discardable) WriteTo(w io.Writer) (int64, error) {
	d.of.written.Add(1)
	return d.WriterTo.WriteTo(w)
}

func (d discardable) Discard() { d.of.discarded.Add(1) }

// A full disk may not even take the file's beginning: the machine must not hold
// on to a state that nobody will ask it for.
func TestCaptureThatIsNotWrittenIsDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		cfg := often(disk)
		m := &discarding{machine: newMachine()}
		cfg.Machine = m
		n, err := ensemble.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		disk.Inject(func(op waltest.Op, name string) error {
			if op == waltest.OpCreate && strings.Contains(name, ".snap") {
				return syscall.ENOSPC
			}
			return nil
		})
		work(t, n, m.machine, 100)
		synctest.Wait()
		if c, d, w := m.captured.Load(), m.discarded.Load(), m.written.Load(); c == 0 || d != c || w != 0 {
			t.Errorf("of %d captures %d were discarded and %d written", c, d, w)
		}
		cancel()
		<-done
		n.Close()
	})
}

// Without room for a snapshot the log grows on; with room again it is
// truncated.
func TestSnapshotWithoutRoomIsTriedAgain(t *testing.T) {
	disk := waltest.New(1)
	n, m, stop := start(t, often(disk))
	work(t, n, m, 100)
	disk.SetCapacity(disk.Used() + 1)
	for range 100 {
		have := len(m.list())
		err := n.Offer(t.Context(), ensemble.Proposal{Seq: 1, Data: bytes.Repeat([]byte("x"), 100), Reserved: true})
		if errors.Is(err, ensemble.ErrDiskFull) {
			break
		}
		if err := m.wait(t.Context(), have+1); err != nil {
			t.Fatal(err)
		}
	}
	disk.SetCapacity(0)
	want := m.list()
	stop()
	n, m, stop = start(t, often(disk))
	<-n.Ready()
	if !slices.Equal(m.list(), want) {
		t.Errorf("%d commands, want %d", len(m.list()), len(want))
	}
	work(t, n, m, 100)
	stop()
	if snaps := snapshotsOf(disk); len(snaps) != 3 {
		t.Errorf("snapshots: %v", snaps)
	}
}

// The log alone may fill the disk long before a snapshot is due. One is taken
// then, and the log before it goes.
func TestLogThatFillsTheDiskMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		cfg := ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10}
		n, m, stop := start(t, cfg)
		<-n.Ready()
		disk.SetCapacity(300 << 10)
		data, refused := bytes.Repeat([]byte("x"), 10<<10), 0
		m.forget = true // so that the state stays small
		for i := range 200 {
			for start := time.Now(); ; time.Sleep(time.Second) {
				err := n.Propose(t.Context(), uint64(i), data)
				if err == nil {
					break
				}
				refused++
				if !errors.Is(err, ensemble.ErrDiskFull) || time.Since(start) > time.Minute {
					t.Fatalf("proposal %d, refused %d times: %v", i, refused, err)
				}
			}
			synctest.Wait()
		}
		t.Logf("refused %d times, snapshots: %v", refused, snapshotsOf(disk))
		stop()
		n, m, _ = start(t, cfg)
		<-n.Ready()
		if got := m.list(); len(got) == 0 || got[len(got)-1] != string(data) || m.restores != 1 {
			t.Errorf("%d commands, restored %d times", len(got), m.restores)
		}
	})
}

// Even when there is no room for a snapshot, the ones there are let the log
// go on.
func TestLogIsCutAtTheNewestSnapshotIfTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		cfg := often(disk)
		n, m, stop := start(t, cfg)
		for range 60 {
			work(t, n, m, 5)
			synctest.Wait() // for the snapshot
		}
		stop()

		cfg.SnapshotEntries = 0 // no more by count
		n, m, stop = start(t, cfg)
		<-n.Ready()
		synctest.Wait()
		disk.SetCapacity(disk.Used()) // none for one more snapshot
		for range 100 {
			for start := time.Now(); ; time.Sleep(time.Second) {
				err := n.Propose(t.Context(), 1, []byte("a small one"))
				if err == nil {
					break
				}
				if !errors.Is(err, ensemble.ErrDiskFull) || time.Since(start) > time.Minute {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		want := m.list()
		stop()
		n, m, _ = start(t, cfg)
		<-n.Ready()
		if got := m.list(); !slices.Equal(got, want) {
			t.Errorf("%d commands, want %d", len(got), len(want))
		}
	})
}
