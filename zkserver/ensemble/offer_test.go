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
