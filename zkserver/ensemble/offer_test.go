package ensemble_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// TestServerAloneWritesTheLatestVersion at once, there being nobody to wait for; and
// a program of an earlier one does not take its directory, but says why.
func TestServerAloneWritesTheLatestVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		n, m, stop := start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10, Version: 2})
		<-n.Ready()
		synctest.Wait()
		if err := n.Offer(t.Context(), ensemble.Proposal{Data: []byte("late"), Version: 3}); !errors.Is(err, ensemble.ErrVersion) {
			t.Errorf("of a version that is not spoken: %v", err)
		}
		if err := n.Offer(t.Context(), ensemble.Proposal{Data: []byte("new"), Version: 2}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := m.list(); len(got) != 1 || got[0] != "new" {
			t.Errorf("applied %q", got)
		}
		stop()
		n, _, stop = start(t, ensemble.Config{Dir: dir, FS: disk, SegmentBytes: 64 << 10})
		synctest.Wait()
		err := stop()
		if !errors.Is(err, ensemble.ErrOutdated) || strings.Contains(err.Error(), "\n") {
			t.Errorf("an earlier program, version %d: %v", n.Version(), err)
		}
	})
}

// TestServerAloneWritesTheLatestVersionAfterItsSnapshot: one of the first version
// does not say since when its members are what they are.
func TestServerAloneWritesTheLatestVersionAfterItsSnapshot(t *testing.T) {
	disk := waltest.New(1)
	n, m, stop := start(t, often(disk))
	workUntilKept(t, disk, n, m, 100)
	stop()
	for _, version := range []uint8{2, 3} {
		cfg := often(disk)
		cfg.Version = version
		n, m, stop := start(t, cfg)
		<-n.Ready()
		for i := 0; i < 50 && n.Version() != version; i++ {
			work(t, n, m, 1)
		}
		if n.Version() != version {
			t.Errorf("version %d is written, want %d", n.Version(), version)
		}
		stop()
	}
}
