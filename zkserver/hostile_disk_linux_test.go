package zkserver_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-zookeeper/zk"

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
		fillFile(t, filler)
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

// fillFile writes a file until there is no room.
func fillFile(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 64<<10))
	}
}

// Three servers, each with a file system of its own. Where a disk fills, clients of
// that member are refused and those of the others are not, whoever led before.
func TestRealDiskOfOneOfThreeThatFillsHoldsUpNobodyElse(t *testing.T) {
	mount := func() string {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
			t.Skipf("a small file system takes root: %v", err)
		}
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
		return dir
	}
	e := zktest.NewEnsemble(t, 3, func(cfg *zkserver.Config) {
		cfg.Dir, cfg.SegmentBytes, cfg.SnapshotBytes = filepath.Join(mount(), "data"), 2<<20, 4<<20
	})
	t.Cleanup(func() { // before the file systems go
		for _, s := range e.Servers() {
			s.Stop()
		}
	})
	at := map[*zktest.Server]*zk.Conn{}
	for _, s := range e.Servers() {
		at[s] = goClient(t, s)
	}
	leader := e.Leader()
	eventually(t, "there is service", func() bool {
		_, err := at[leader].Create("/good", nil, 0, zk.WorldACL(zk.PermAll))
		return err == nil || errors.Is(err, zk.ErrNodeExists)
	})
	write := func(s *zktest.Server) error {
		_, err := at[s].Set("/good", make([]byte, 100_000), -1)
		return err
	}
	for range 2 {
		full := e.Leader()
		filler := filepath.Join(filepath.Dir(full.Dir()), "filler")
		eventually(t, "the leader's client is refused", func() bool {
			fillFile(t, filler)
			err := write(full)
			return err != nil && strings.Contains(err.Error(), strconv.Itoa(int(wire.OperationTimeout)))
		})
		eventually(t, "another member leads", func() bool { return e.Leader() != full })
		for s := range at {
			if s != full {
				eventually(t, "others are served", func() bool { return write(s) == nil })
			}
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		for s := range at {
			eventually(t, "all are served again", func() bool { return write(s) == nil })
		}
	}
}
