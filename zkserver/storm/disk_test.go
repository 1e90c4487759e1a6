package storm

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// diskBytes is the size of a member's disk: room for some segments of the log and
// the snapshots.
const diskBytes = "size=192m"

// A disk is a small file system of a member's own.
type disk struct {
	t   testing.TB
	dir string
}

// giveDisks gives each member a file system, if they can be mounted.
func (e *ensemble) giveDisks(t testing.TB) {
	t.Helper()
	for _, m := range e.members {
		if err := syscall.Mount("storm", m.dir, "tmpfs", 0, diskBytes); err != nil {
			t.Logf("not tested: full disks (mount: %v)", err)
			return
		}
		m.disk = &disk{t, m.dir}
		t.Cleanup(func() {
			m.kill()
			if err := syscall.Unmount(m.dir, 0); err != nil {
				t.Errorf("unmount %s: %v", m.dir, err)
			}
		})
	}
}

func (d *disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves no byte free.
func (d *disk) fill() {
	f, err := os.Create(d.filler())
	if err != nil {
		d.t.Error(err)
		return
	}
	defer f.Close()
	for b := make([]byte, 1<<20); len(b) > 0; {
		if _, err := f.Write(b); errors.Is(err, syscall.ENOSPC) {
			b = b[:len(b)/2]
		} else if err != nil {
			d.t.Error(err)
			return
		}
	}
}

func (d *disk) empty() {
	if err := os.Remove(d.filler()); err != nil {
		d.t.Error(err)
	}
}

// wipe removes all that a member has on its disk.
func (m *member) wipe() {
	m.t.Helper()
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(m.dir, e.Name())); err != nil {
			m.t.Fatal(err)
		}
	}
}
