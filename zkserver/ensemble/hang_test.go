package ensemble_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// Whatever a hanging disk keeps a thread in, the process gets to its end.
func TestANodeWhoseDiskHangsEnds(t *testing.T) {
	tests := []struct {
		name  string
		hangs string // names of files that end so
		write bool
		stop  time.Duration // after so long the node is to end; 0: not before it does
	}{
		{"in a write", "", true, 0},
		{"in a write, and is stopped", "", true, 20 * time.Second},
		{"while it is stopped", "", false, time.Second},
		{"in what no write waits for, and is stopped", ".tmp", false, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				disk := waltest.New(1)
				hang := func(op waltest.Op, name string) error {
					if left := 3*time.Minute + time.Until(begin); op == waltest.OpSync && strings.HasSuffix(name, tt.hangs) && left > 0 {
						time.Sleep(left)
					}
					return nil
				}
				n, err := ensemble.Open(ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10, Machine: newMachine()})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ran := make(chan error, 1)
				if tt.hangs != "" {
					disk.Inject(hang)
				}
				go func() { ran <- n.Run(ctx) }()
				synctest.Wait()
				disk.Inject(hang)
				if tt.write {
					propose(t, n, "a")
				}
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, cancel)
				}
				err = errors.Join(<-ran, n.Close())
				if took := time.Since(begin); !errors.Is(err, ensemble.ErrDisk) || took > tt.stop+70*time.Second {
					t.Errorf("ended after %v with %v", took, err)
				}
				time.Sleep(4 * time.Minute) // what was left behind ends
			})
		})
	}
}

// A write that takes long is no reason to end.
func TestANodeWhoseDiskIsSlowGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, stop := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		<-n.Ready()
		disk.Inject(func(op waltest.Op, _ string) error {
			if op == waltest.OpSync {
				time.Sleep(25 * time.Second)
			}
			return nil
		})
		for i := range 4 {
			propose(t, n, "a")
			time.Sleep(20 * time.Second)
			if n.DiskHangs() < 19*time.Second {
				t.Errorf("the disk is said to hang for %v", n.DiskHangs())
			}
			if err := m.wait(t.Context(), i+1); err != nil {
				t.Fatal(err)
			}
		}
		disk.Inject(nil)
		if err := stop(); !errors.Is(err, context.Canceled) || errors.Is(err, ensemble.ErrDisk) {
			t.Errorf("ended with %v", err)
		}
	})
}

// What is written last may fail, too: whoever stopped the node is told.
func TestADiskThatFailsWhileTheNodeEndsIsSaidToFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, stop := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		<-n.Ready()
		propose(t, n, "a")
		if err := m.wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the log is told that it is committed
		disk.Inject(func(op waltest.Op, _ string) error {
			if op == waltest.OpSync {
				return syscall.EIO
			}
			return nil
		})
		if err := stop(); !errors.Is(err, ensemble.ErrDisk) || !errors.Is(err, syscall.EIO) {
			t.Errorf("ended with %v", err)
		}
	})
}
