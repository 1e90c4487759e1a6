package wal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

func TestForeignDirectoryIsRefusedUntouched(t *testing.T) {
	for _, name := range []string{"notes.txt", "draft.tmp", "LOCKS", ".hidden", "1.log", "000000000000000A.log.tmp", "x.snap"} {
		path := t.TempDir()
		file := filepath.Join(path, name)
		if err := os.WriteFile(file, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := wal.Open(wal.Options{Dir: path, SegmentBytes: 8 << 10})
		if !errors.Is(err, wal.ErrForeign) || strings.Contains(err.Error(), "\n") ||
			!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: open = %v", name, err)
		}
		names, _ := wal.OS.ReadDir(path)
		if b, err := os.ReadFile(file); err != nil || string(b) != "theirs" || len(names) != 1 {
			t.Errorf("%s: left %q, %v and files %v", name, b, err, names)
		}
	}
}

func TestOtherFilesBesideOursAreKept(t *testing.T) {
	disk := waltest.New(1)
	open(t, small(disk)).Close()
	theirs := []string{"draft.tmp", "1.spare", "0000000000000001.log.tmp.tmp", "000000000000000A.spare", "x.snap.tmp"}
	for _, name := range theirs {
		disk.SetBytes(dir+"/"+name, []byte("theirs"))
	}
	halfMade := []string{
		"IDENTITY.tmp", "WATERMARK.tmp", "0000000000000001.log.tmp", "0000000000000001.spare.tmp",
		"0000000000000001-0000000000000001.snap.tmp",
	}
	for _, name := range halfMade {
		disk.SetBytes(dir+"/"+name, []byte("ours"))
	}
	open(t, small(disk))
	for _, name := range theirs {
		if string(disk.Bytes(dir+"/"+name)) != "theirs" {
			t.Errorf("%s is gone", name)
		}
	}
	for _, name := range halfMade {
		if disk.Bytes(dir+"/"+name) != nil {
			t.Errorf("%s is still there", name)
		}
	}
}

func TestFileSystemOfItsOwnMayBeTheDirectory(t *testing.T) {
	disk := waltest.New(1)
	disk.SetBytes(dir+"/lost+found", nil)
	open(t, small(disk))
}

// The first start is cut short at every call that changes the disk; the next
// one must get through.
func TestInterruptedFirstStartIsMadeGood(t *testing.T) {
	for calls := 0; ; calls++ {
		disk := waltest.New(uint64(calls))
		left := calls
		disk.Inject(func(waltest.Op, string) error {
			if left--; left < 0 {
				return waltest.ErrPowerCut
			}
			return nil
		})
		l, err := wal.Open(small(disk))
		if err == nil {
			l.Close()
			break
		}
		for _, next := range []*waltest.Disk{disk.Kill(), disk.PowerCut()} {
			next.SetBytes(dir+"/LOCK", nil) // the real one leaves it
			l, err := wal.Open(small(next))
			if err != nil {
				t.Fatalf("after %d calls: %v", calls, err)
			}
			appendEach(t, l, 1, 1, 3)
			l.Close()
		}
	}
}
