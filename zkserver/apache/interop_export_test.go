package apache_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/apache"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestInteropAnExportIsNotBehindWhatClientsHaveSeen moves a server whose last
// writes were sessions, which leave the tree as it is: a client that was shown
// their zxid goes on at an Apache ZooKeeper that starts from the export.
func TestInteropAnExportIsNotBehindWhatClientsHaveSeen(t *testing.T) {
	reference.Need(t)
	ours := zktest.NewServer(t)
	dialed(t, ours.Addr()) // its session goes on: the end of one would be a write to the tree
	var raw bytes.Buffer
	ours.Stop()
	if err := zkserver.BackupDir(t.Context(), ours.Dir(), &raw); err != nil {
		t.Fatal(err)
	}
	b, err := zkserver.ReadBackup(&raw)
	if err != nil {
		t.Fatal(err)
	}
	if b.Zxid <= b.Tree.LastZxid() {
		t.Fatalf("zxid %#x, the tree's is %#x: nothing to see here", b.Zxid, b.Tree.LastZxid())
	}
	dir := t.TempDir()
	if _, err := apache.Write(dir, apache.FromTree(b.Tree, b.Zxid)); err != nil {
		t.Fatal(err)
	}
	if s := read(t, dir); s.Zxid != b.Zxid || len(s.Warnings) > 0 {
		t.Errorf("zxid %#x comes back as %#x, warnings %q", b.Zxid, s.Zxid, s.Warnings)
	}
	theirs := reference.Start(t, "dataDir="+dir)
	if !accepts(t, theirs.Addr(), b.Zxid) {
		t.Errorf("a client that has seen %#x is turned away\n%s", b.Zxid, theirs.Log())
	}
	if accepts(t, theirs.Addr(), b.Zxid+1<<32) {
		t.Error("a client from the future is taken: the test shows nothing")
	}
	// Beside what was exported, it goes on with files of its own.
	if _, err := dialed(t, theirs.Addr()).Create(t.Context(), "/there", nil, wire.FlagPersistent, client.OpenACL); err != nil {
		t.Fatal(err)
	}
	theirs.Restart()
	if s := read(t, dir); s.Znodes["/there"] == nil || len(s.Warnings) > 0 {
		t.Errorf("%d znodes, warnings %q", len(s.Znodes), s.Warnings)
	}
	if _, _, err := dialed(t, theirs.Addr()).Get(t.Context(), "/there", false); err != nil {
		t.Error(err)
	}
}

// accepts reports whether a server gives a session to a client that has seen a
// zxid.
func accepts(t *testing.T, addr string, seen int64) bool {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	hello := wire.ConnectRequest{LastZxidSeen: seen, TimeoutMillis: 10_000, Password: make([]byte, 16)}
	if _, err := nc.Write(wire.AppendBytes(nil, hello.Append(nil))); err != nil {
		t.Fatal(err)
	}
	body, err := wire.ReadFrame(nc, nil, 1<<20)
	if err != nil {
		return false
	}
	var answer wire.ConnectResponse
	d := wire.NewDecoder(body)
	answer.Decode(&d)
	return d.Err() == nil && answer.SessionID != 0
}
