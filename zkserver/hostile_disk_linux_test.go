package zkserver_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A file system of 24 MiB, which another file fills: writes are refused and reads
// served until it goes, and nothing is lost.
func TestRealDiskThatFillsLosesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("a small file system takes root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := zktest.NewServer(t, func(cfg *zkserver.Config) {
		cfg.Dir, cfg.SegmentBytes, cfg.SnapshotBytes = filepath.Join(dir, "data"), 2<<20, 4<<20
	})
	t.Cleanup(s.Stop) // before the file system goes
	c := connect(t, s)
	c.create("/good", "", 0)
	filler := filepath.Join(dir, "filler")
	fill := func() {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 64<<10))
		}
	}
	acked := 0
	write := func() wire.Code {
		q := wire.SetDataRequest{Path: "/good", Version: -1, Data: append([]byte(strconv.Itoa(acked+1)+"\n"), make([]byte, 100_000)...)}
		code := c.do(wire.OpSetData, &q, nil).Err
		if code == wire.OK {
			acked++
		}
		return code
	}
	for range 3 {
		fill()
		eventually(t, "writes are refused", func() bool { return write() == wire.OperationTimeout })
		if data, _, code := c.get("/good", false); code != wire.OK || len(data) < 100_000 {
			t.Errorf("read on a full disk: %d bytes, %v", len(data), code)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		eventually(t, "writes are taken again", func() bool { return write() == wire.OK })
	}
	s.Restart()
	data, _, _ := connect(t, s).get("/good", false)
	if want := strconv.Itoa(acked) + "\n"; len(data) < len(want) || data[:len(want)] != want {
		t.Errorf("%d writes were acknowledged, after a restart there are %q", acked, data[:min(len(data), 10)])
	}
}
