package zkserver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestARestoreFillsADirectoryThatIsThere: it may be where a volume is mounted, so
// it must stay the same directory, and nothing may be made beside it.
func TestARestoreFillsADirectoryThatIsThere(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "volume")
	if err := os.MkdirAll(filepath.Join(dir, "lost+found"), 0o755); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := zkserver.Import(dir, tree.New()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("another directory is in its place: %v", err)
	}
	names := listing(t, dir)
	for name := range names {
		if strings.HasPrefix(name, ".part-") {
			t.Errorf("%s is left over", name)
		}
	}
	if len(listing(t, parent)) != 1 || names["IDENTITY"] == "" || names["lost+found"] == "" {
		t.Errorf("made %v", names)
	}
	connect(t, zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Dir = dir })).create("/a", "", 0)
}

// TestARestoreThatWasBrokenOffIsRecognised by restores and by servers.
func TestARestoreThatWasBrokenOffIsRecognised(t *testing.T) {
	dir := t.TempDir()
	if err := zkserver.Import(filepath.Join(dir, "whole"), tree.New()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "whole"), filepath.Join(dir, ".part-1")); err != nil {
		t.Fatal(err)
	}
	if err := zkserver.Import(dir, tree.New()); err == nil || !strings.Contains(err.Error(), "broken off") {
		t.Errorf("restore: %v", err)
	}
	if _, err := zkserver.Open(zkserver.Config{Dir: dir}); err == nil {
		t.Error("a server starts on it")
	}
}
