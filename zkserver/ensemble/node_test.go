package ensemble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dir = "/data"

func propose(t testing.TB, n *ensemble.Node, commands ...string) {
	t.Helper()
	for i, c := range commands {
		if err := n.Propose(t.Context(), uint64(i), []byte(c)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommandsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for life := range 3 {
		n, m, stop := start(t, ensemble.Config{Dir: dir, SegmentBytes: 64 << 10})
		<-n.Ready()
		if got := m.list(); !slices.Equal(got, want) {
			t.Fatalf("life %d begins with %q, want %q", life, got, want)
		}
		for i := range 10 {
			want = append(want, fmt.Sprintf("life %d command %d", life, i))
		}
		propose(t, n, want[len(want)-10:]...)
		if err := m.wait(t.Context(), len(want)); err != nil {
			t.Fatal(err)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("run = %v", err)
		}
	}
}

// etcd issue 14370: a single voter applied, and so acknowledged, what was not
// yet on its disk.
func TestNothingIsAppliedBeforeItsSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, _ := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		<-n.Ready()
		synctest.Wait()

		release := make(chan struct{})
		disk.Inject(func(op waltest.Op, _ string) error {
			if op == waltest.OpSync {
				<-release
			}
			return nil
		})
		propose(t, n, "a")
		time.Sleep(20 * time.Second)
		if got := m.list(); len(got) != 0 {
			t.Fatalf("applied %q before the sync", got)
		}
		close(release)
		synctest.Wait()
		if got := m.list(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("applied %q after the sync", got)
		}
	})
}

// What is committed is not worth a sync of its own, and what comes in during a
// sync shares the next one.
func TestSyncsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, _ := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 1 << 20})
		<-n.Ready()
		synctest.Wait()
		var syncs atomic.Int64
		disk.Inject(func(op waltest.Op, _ string) error {
			if op == waltest.OpSync {
				syncs.Add(1)
				time.Sleep(time.Millisecond)
			}
			return nil
		})
		for i := range 100 {
			propose(t, n, "one by one")
			if err := m.wait(t.Context(), i+1); err != nil {
				t.Fatal(err)
			}
		}
		if got := syncs.Load(); got != 100 {
			t.Errorf("%d syncs for 100 commands, one by one", got)
		}
		begin := time.Now()
		for range 10_000 {
			propose(t, n, "all together")
		}
		if err := m.wait(t.Context(), 10_100); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 10*time.Millisecond {
			t.Errorf("10,000 commands took %v, %d syncs", took, syncs.Load()-100)
		}
	})
}

func TestFailedSyncEndsRunAndAcknowledgesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, stop := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		<-n.Ready()
		propose(t, n, "good")
		synctest.Wait()
		disk.Inject(func(op waltest.Op, _ string) error {
			if op == waltest.OpSync {
				return syscall.EIO
			}
			return nil
		})
		propose(t, n, "bad")
		synctest.Wait()
		if err := n.Propose(t.Context(), 1, nil); !errors.Is(err, ensemble.ErrStopped) {
			t.Errorf("propose = %v", err)
		}
		if err := n.ReadIndex(t.Context()); !errors.Is(err, ensemble.ErrStopped) {
			t.Errorf("read = %v", err)
		}
		if err := stop(); !errors.Is(err, ensemble.ErrDisk) || !errors.Is(err, syscall.EIO) || strings.Contains(err.Error(), "\n") {
			t.Errorf("run = %v", err)
		}
		if got := m.list(); !slices.Equal(got, []string{"good"}) {
			t.Errorf("applied %q", got)
		}
	})
}

func TestFullDiskRefusesProposalsUntilThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, _ := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 1 << 20})
		<-n.Ready()
		synctest.Wait() // the spare segment is there
		disk.SetCapacity(disk.Used())
		count := 0
		for {
			err := n.Propose(t.Context(), 0, bytes.Repeat([]byte("x"), 50<<10))
			if errors.Is(err, ensemble.ErrDiskFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			count++
			synctest.Wait()
		}
		if err := n.ReadIndex(t.Context()); err != nil {
			t.Errorf("read on a full disk: %v", err)
		}
		if err := n.Offer(t.Context(), ensemble.Proposal{Data: []byte("session"), Reserved: true}); err != nil {
			t.Errorf("small command on a full disk: %v", err)
		}
		for i := 0; ; i++ {
			err := n.Offer(t.Context(), ensemble.Proposal{Data: bytes.Repeat([]byte("y"), 50<<10), Reserved: true})
			if errors.Is(err, ensemble.ErrDiskFull) {
				break
			}
			if err != nil || i > 100 {
				t.Fatalf("the reserve has no end: %v", err)
			}
			count++
			synctest.Wait()
		}
		disk.SetCapacity(0)
		time.Sleep(2 * time.Second)
		propose(t, n, "again")
		if err := m.wait(t.Context(), count+2); err != nil {
			t.Error(err)
		}
	})
}

func TestTooLargeCommandIsRefused(t *testing.T) {
	n, m, stop := start(t, ensemble.Config{Dir: dir, FS: waltest.New(1), SegmentBytes: 64 << 10})
	large := make([]byte, 64<<10)
	if err := n.Propose(t.Context(), 1, large); !errors.Is(err, ensemble.ErrTooLarge) {
		t.Errorf("propose = %v", err)
	}
	for size := 63 << 10; n.Propose(t.Context(), 1, large[:size]) == nil; size++ {
		if size == len(large) {
			t.Fatal("no limit")
		}
	}
	if err := n.Propose(t.Context(), 1, []byte("last")); err != nil {
		t.Fatal(err, stop())
	}
	if err := m.waitFor(t.Context(), "last"); err != nil {
		t.Error(err)
	}
}

func TestReadIndexWaitsForWhatWasApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, _ := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for k := range 10 {
					c := fmt.Sprintf("%d/%d", i, k)
					propose(t, n, c)
					if err := m.waitFor(t.Context(), c); err != nil {
						t.Error(err)
					}
					if err := n.ReadIndex(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n.Close()
		if err := n.ReadIndex(ctx); !errors.Is(err, ensemble.ErrStopped) {
			t.Errorf("read after close = %v", err)
		}
	})
}

// A single voter answers raft's read question with what it knows is committed,
// which after a restart is less than what was acknowledged. ReadIndex must
// wait for the first entry of the new term.
func TestReadIndexAfterRestartSeesEverythingAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, _ := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		propose(t, n, "a", "b", "c")
		if err := m.wait(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		disk = disk.PowerCut()
		n, m, _ = start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		if err := n.ReadIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := m.list(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("read sees %q", got)
		}
	})
}

func TestFirstEntryOfATermIsShown(t *testing.T) {
	disk := waltest.New(1)
	terms := map[uint64]bool{}
	for range 3 {
		n, m, stop := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		<-n.Ready()
		stop()
		last := m.batches[len(m.batches)-1]
		if terms[last.Term] {
			t.Errorf("term %d came twice", last.Term)
		}
		terms[last.Term] = true
	}
}

func TestDirectoryIsTakenOnce(t *testing.T) {
	dir := t.TempDir()
	_, _, stop := start(t, ensemble.Config{Dir: dir, SegmentBytes: 64 << 10})
	_, err := ensemble.Open(ensemble.Config{Dir: dir, Machine: newMachine()})
	if !errors.Is(err, wal.ErrLocked) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
		t.Errorf("second open = %v", err)
	}
	stop()
	start(t, ensemble.Config{Dir: dir, SegmentBytes: 64 << 10})
}

func TestCloseEndsRunAndWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		disk := waltest.New(1)
		n, err := ensemble.Open(ensemble.Config{Dir: dir, FS: disk, Machine: newMachine(), SegmentBytes: 64 << 10, BacklogBytes: 1000})
		if err != nil {
			t.Fatal(err)
		}
		// Not running, so that the backlog fills and nothing gets ready.
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					if err := n.Propose(context.Background(), 1, make([]byte, 300)); err != nil {
						if !errors.Is(err, ensemble.ErrStopped) {
							t.Error(err)
						}
						return
					}
				}
			})
			wg.Go(func() {
				if err := n.ReadIndex(context.Background()); !errors.Is(err, ensemble.ErrStopped) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if err := n.Run(context.Background()); !errors.Is(err, ensemble.ErrStopped) {
			t.Errorf("run after close = %v", err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("second close = %v", err)
		}
	})
}

func TestCloseWhileRunning(t *testing.T) {
	n, _, _ := start(t, ensemble.Config{Dir: dir, FS: waltest.New(1), SegmentBytes: 64 << 10})
	<-n.Ready()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
