package zkserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// withControl opens the control socket, below a path too long for a socket's
// address.
func withControl(t *testing.T) func(*zkserver.Config) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 20), "data")
	return func(cfg *zkserver.Config) { cfg.Control, cfg.Dir = true, dir }
}

// running backs up the server that runs on a directory once it answers there.
func running(t *testing.T, dir string) []byte {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		var b bytes.Buffer
		err := zkserver.BackupRunning(t.Context(), dir, &b)
		if err == nil {
			return b.Bytes()
		}
		if !errors.Is(err, zkserver.ErrNoControl) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestABackupOfARunningServerGoesOnElsewhere(t *testing.T) {
	s := zktest.NewServer(t, withControl(t))
	c := connect(t, s)
	c.create("/p", "", 0)
	c.create("/p/s-", "one", wire.FlagSequential)
	c.create("/e", "mine", wire.FlagEphemeral)
	raw := running(t, s.Dir())
	c.create("/p/s-", "after the backup", wire.FlagSequential)

	b, err := zkserver.ReadBackup(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if b.Sessions() != 1 || b.Tree.Len() != 4+3 || b.Zxid == 0 || b.Zxid != b.Tree.LastZxid() {
		t.Errorf("%d sessions, %d znodes, zxid %#x of %#x", b.Sessions(), b.Tree.Len(), b.Zxid, b.Tree.LastZxid())
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if err := b.Restore(dir); err != nil {
		t.Fatal(err)
	}
	if err := b.Restore(dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("restore over a directory: %v", err)
	}

	other := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Dir = dir })
	back, ok := reconnect(t, other, c)
	if !ok {
		t.Fatal("the session is not in the backup")
	}
	if data, _, _ := back.get("/e", false); data != "mine" {
		t.Errorf("/e is %q", data)
	}
	if got := back.create("/p/s-", "", wire.FlagSequential); got != "/p/s-0000000001" {
		t.Errorf("the sequence goes on with %s", got)
	}
	if z := back.ping().Zxid; z <= b.Zxid {
		t.Errorf("zxid %#x after a backup at %#x", z, b.Zxid)
	}
}

func TestABackupOfADirectoryHasWhatWasAcknowledged(t *testing.T) {
	s := zktest.NewServer(t)
	c := connect(t, s)
	for i := range 50 {
		c.create(fmt.Sprintf("/n%d", i), "x", 0)
	}
	var raw bytes.Buffer
	if err := zkserver.BackupDir(t.Context(), s.Dir(), &raw); err == nil || raw.Len() > 0 {
		t.Error("a backup of a directory in use")
	}
	s.Stop()
	if err := zkserver.BackupDir(t.Context(), s.Dir(), &raw); err != nil {
		t.Fatal(err)
	}
	b, err := zkserver.ReadBackup(&raw)
	if err != nil || b.Tree.Len() != 4+50 {
		t.Fatalf("backup: %v", err)
	}
	if err := zkserver.BackupDir(t.Context(), t.TempDir(), &raw); err == nil {
		t.Error("a backup of an empty directory")
	}
}

// TestABackupIsOfOneMoment writes pairs of znodes in one multi each, beside
// backups: no backup has half a pair.
func TestABackupIsOfOneMoment(t *testing.T) {
	s := zktest.NewServer(t, withControl(t))
	stop := make(chan struct{})
	var writing sync.WaitGroup
	c := connect(t, s)
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				c.do(wire.OpMulti, &wire.MultiRequest{Ops: []wire.MultiOp{
					{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: fmt.Sprintf("/a%d", i), ACL: openACL}},
					{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: fmt.Sprintf("/b%d", i), ACL: openACL}},
				}}, new(wire.MultiResponse))
			}
		}
	})
	for range 5 {
		b, err := zkserver.ReadBackup(bytes.NewReader(running(t, s.Dir())))
		if err != nil {
			t.Fatal(err)
		}
		if b.Tree.Len()%2 != 0 {
			t.Errorf("%d znodes: half a multi is in the backup", b.Tree.Len())
		}
	}
	close(stop)
	writing.Wait()
}

// TestABackupOfADirectoryLeavesItAsItIs: what it made there would belong to
// whoever took the backup, and the server could not open it.
func TestABackupOfADirectoryLeavesItAsItIs(t *testing.T) {
	s := zktest.NewServer(t)
	connect(t, s).create("/a", "data", 0)
	s.Stop()
	before := listing(t, s.Dir())
	if err := zkserver.BackupDir(t.Context(), s.Dir(), new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, listing(t, s.Dir())); diff != "" {
		t.Errorf("the directory was changed (-before +after):\n%s", diff)
	}
}

// listing says which files there are, and when each was made and written.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
	}
	return all
}

// TestADamagedBackupIsRefused flips each byte, and cuts at each length.
func TestADamagedBackupIsRefused(t *testing.T) {
	s := zktest.NewServer(t)
	c := connect(t, s)
	c.create("/a", "data", 0)
	s.Stop()
	var raw bytes.Buffer
	if err := zkserver.BackupDir(t.Context(), s.Dir(), &raw); err != nil {
		t.Fatal(err)
	}
	for i := range raw.Len() {
		b := bytes.Clone(raw.Bytes())
		if _, err := zkserver.ReadBackup(bytes.NewReader(b[:i])); !errors.Is(err, zkserver.ErrBackup) {
			t.Fatalf("cut at %d: %v", i, err)
		}
		b[i] ^= 0x10
		if _, err := zkserver.ReadBackup(bytes.NewReader(b)); !errors.Is(err, zkserver.ErrBackup) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

func TestTheControlSocketIsForItsOwnerAndGoesWithTheServer(t *testing.T) {
	s := zktest.NewServer(t, withControl(t))
	running(t, s.Dir())
	socket := filepath.Join(s.Dir(), "CONTROL")
	if info, err := os.Stat(socket); err != nil || info.Mode().Type() != os.ModeSocket || info.Mode().Perm() != 0o600 {
		t.Errorf("control socket: %v, %v", info, err)
	}
	s.Stop()
	if err := os.Remove(socket); err == nil {
		t.Log("a server that is killed leaves it")
	}
	// One left by a server that was killed is taken over.
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if err := os.Rename(l.Addr().String(), socket); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	running(t, s.Dir())
}
