package ensemble_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// TestReplayGivesWhatAStartWouldAndChangesNothing replays the directory of a
// node that was stopped in order, killed, or lost power, with and without
// snapshots in it.
func TestReplayGivesWhatAStartWouldAndChangesNothing(t *testing.T) {
	stops := map[string]func(*waltest.Disk, func() error) *waltest.Disk{
		"in order":  func(d *waltest.Disk, stop func() error) *waltest.Disk { stop(); return d },
		"killed":    func(d *waltest.Disk, _ func() error) *waltest.Disk { return d.Kill() },
		"power cut": func(d *waltest.Disk, _ func() error) *waltest.Disk { return d.PowerCut() },
	}
	for name, end := range stops {
		for _, count := range []int{0, 5, 70} {
			disk := waltest.New(uint64(count))
			n, m, stop := start(t, often(disk))
			acknowledged := work(t, n, m, count)
			disk = end(disk, stop)
			before := files(t, disk)

			replayed := newMachine()
			cfg := often(disk)
			cfg.Machine = replayed
			ms, err := ensemble.Replay(t.Context(), cfg)
			if err != nil {
				t.Fatalf("%s, %d commands: %v", name, count, err)
			}
			if count > 0 && ms == 0 {
				t.Errorf("%s: no time", name)
			}
			for file, b := range files(t, disk) {
				if !bytes.Equal(before[file], b) {
					t.Errorf("%s, %d commands: %s was changed", name, count, file)
				}
				delete(before, file)
			}
			if len(before) > 0 {
				t.Errorf("%s: %d files are gone", name, len(before))
			}
			if got := replayed.list(); len(got) < len(acknowledged) || !slices.Equal(got[:len(acknowledged)], acknowledged) {
				t.Errorf("%s: %d commands, want %d", name, len(got), len(acknowledged))
			}

			again, there, _ := start(t, often(disk))
			<-again.Ready()
			if got, want := replayed.list(), there.list(); !slices.Equal(got, want) {
				t.Errorf("%s: %d commands, a start has %d", name, len(got), len(want))
			}
			again.Close()
		}
	}
}

// files are those of the data directory, but for the lock.
func files(t *testing.T, disk *waltest.Disk) map[string][]byte {
	t.Helper()
	names, err := disk.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if name != "LOCK" {
			all[name] = bytes.Clone(disk.Bytes(dir + "/" + name))
		}
	}
	return all
}

func TestReplayRefusesADirectoryInUseOrNew(t *testing.T) {
	used := t.TempDir()
	start(t, ensemble.Config{Dir: used, SegmentBytes: 64 << 10})
	for name, dir := range map[string]string{"in use": used, "new": t.TempDir()} {
		if _, err := ensemble.Replay(t.Context(), ensemble.Config{Dir: dir, Machine: newMachine()}); err == nil {
			t.Errorf("a directory %s was read", name)
		}
	}
}
