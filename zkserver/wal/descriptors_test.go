package wal_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// Without file descriptors nothing can be opened. Nothing is lost by that, so
// the log goes on when there are some again.
func TestLackOfDescriptorsPasses(t *testing.T) {
	for _, errno := range []error{syscall.EMFILE, syscall.ENFILE} {
		disk := waltest.New(1)
		l := open(t, small(disk))
		lack := func(op waltest.Op, _ string) error {
			if op == waltest.OpCreate || op == waltest.OpOpen {
				return errno
			}
			return nil
		}
		refused := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, wal.ErrDiskFull) || errors.Is(err, wal.ErrFailed) || !strings.Contains(err.Error(), "descriptors") {
				t.Errorf("%s = %v", what, err)
			}
		}
		disk.Inject(lack)
		refused("prepare", l.Prepare())
		_, err := l.CreateSnapshot(wal.SnapshotID{Index: 1, Term: 1}, nil)
		refused("snapshot", err)

		disk.Inject(nil)
		if err := l.Prepare(); err != nil {
			t.Fatal(err)
		}
		disk.Inject(lack)
		last := uint64(0)
		for err = nil; err == nil; last++ { // until the spare must be opened
			err = l.Append(wal.HardState{Term: 1}, entries(last+1, 1, 1))
		}
		last--
		refused("append", err)
		refused("append", l.Append(wal.HardState{Term: 1}, entries(last+1, 1, 1)))
		disk.Inject(nil)
		appendEach(t, l, last+1, 1, 20)
		check(t, l, last+20, 1)
		check(t, open(t, small(disk.Kill())), last+20, 1)
	}
}
