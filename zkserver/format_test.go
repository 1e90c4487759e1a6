package zkserver_test

import (
	"os"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestDirectoryOfTheFirstVersionIsReadAsItWas opens testdata/format1, which was
// written by the version that knew no containers, TTL znodes and quotas: a
// snapshot, and a log behind it. What that version refused must not come to be now.
func TestDirectoryOfTheFirstVersionIsReadAsItWas(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/format1")); err != nil {
		t.Fatal(err)
	}
	c := connect(t, zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Dir = dir }))
	for path, want := range map[string]bool{
		"/a": true, "/a/s-0000000000": true, "/a/s-0000000005": true, "/p": true,
		"/m": false, "/n": false, // were in multis with a container, which were refused
		"/gone":                              false, // was of a session that was closed
		"/zookeeper/quota/a/zookeeper_stats": true,
	} {
		if got := c.exists(path, false); got != want {
			t.Errorf("%s is there: %v, want %v", path, got, want)
		}
	}
	data, stat, code := c.get("/a", false)
	if data != "1" || code != wire.OK || stat.Version != 1 || stat.Cversion != 6 || stat.Czxid != 1<<32+2 || stat.Mzxid != 1<<32+11 {
		t.Errorf("/a = %q, %+v, %v", data, stat, code)
	}
	if _, _, code := c.get("/p", false); code != wire.NoAuth {
		t.Errorf("get of ann's znode: %v, want no auth", code)
	}
	c.auth("digest", "ann:pw")
	if data, _, code := c.get("/p", false); data != "x" || code != wire.OK {
		t.Errorf("get by ann: %q, %v", data, code)
	}
	if path := c.create("/a/s-", "", wire.FlagSequential); path != "/a/s-0000000006" {
		t.Errorf("the next of the sequence is %s", path)
	}
}
