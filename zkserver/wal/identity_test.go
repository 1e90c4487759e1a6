package wal_test

import (
	"errors"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

func TestIdentityIsReplacedWholeOrNotAtAll(t *testing.T) {
	for calls := range 8 {
		disk := waltest.New(uint64(calls))
		options := wal.Options{Dir: "/data", FS: disk, SegmentBytes: 64 << 10, Identity: func() []byte { return []byte("old\n") }}
		log, err := wal.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		left := calls
		disk.Inject(func(waltest.Op, string) error {
			if left--; left < 0 {
				return waltest.ErrPowerCut
			}
			return nil
		})
		err = log.SetIdentity([]byte("new\n"))
		if err == nil && string(log.Identity()) != "new\n" {
			t.Errorf("identity is %q", log.Identity())
		}
		if err != nil && !errors.Is(err, wal.ErrFailed) {
			t.Errorf("error %v", err)
		}
		options.FS = disk.PowerCut()
		log, openErr := wal.Open(options)
		if openErr != nil {
			t.Fatal(openErr)
		}
		if got := string(log.Identity()); got != "new\n" && (err == nil || got != "old\n") {
			t.Errorf("after %d calls and %v: identity is %q", calls, err, got)
		}
		log.Close()
	}
}
