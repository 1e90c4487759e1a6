package zkserver_test

import (
	"bytes"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// With a larger jute.maxbuffer the log takes what a client may send, and gives it
// back: from the log itself after a power cut, from a snapshot after an orderly
// stop.
func TestRequestsAsLargeAsConfiguredSurviveARestart(t *testing.T) {
	t.Run("beyond a group of default size", func(t *testing.T) {
		s := zktest.NewServer(t, zktest.OnDisk(waltest.New(1)), func(cfg *zkserver.Config) { cfg.MaxFrame = 8 << 20 })
		keepsLarge(t, s, 5<<20, s.PowerCut, s.Stop)
	})
	t.Run("beyond a segment of default size", func(t *testing.T) {
		s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxFrame = 18 << 20 })
		keepsLarge(t, s, 17<<20, s.Stop)
	})
}

// keepsLarge makes a znode of so many bytes and looks for it after each end of
// the server.
func keepsLarge(t *testing.T, s *zktest.Server, size int, ends ...func()) {
	c := connect(t, s)
	data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	q := wire.CreateRequest{Path: "/large", Data: data, ACL: openACL}
	if r := c.do(wire.OpCreate, &q, nil); r.Err != wire.OK {
		t.Fatalf("create with %d bytes: %v", len(data), r.Err)
	}
	c.create("/small", "", 0)
	for i, end := range ends {
		end()
		s.Restart()
		c = connect(t, s)
		if got, _, _ := c.get("/large", false); string(got) != string(data) {
			t.Fatalf("after end %d of the server %d bytes are read, want %d", i+1, len(got), len(data))
		}
		if !c.exists("/small", false) {
			t.Fatalf("after end %d of the server what was written next is gone", i+1)
		}
	}
}
