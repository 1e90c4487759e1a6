package zkserver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestABackupIsTheSameOfEachMember running or stopped.
func TestABackupIsTheSameOfEachMember(t *testing.T) {
	e := zktest.NewEnsemble(t, 3, func(cfg *zkserver.Config) { cfg.Control = true })
	c := connect(t, e.Leader())
	c.create("/x", "data", 0)
	c.nc.Close()
	read := func(from func(context.Context, string, io.Writer) error, dir string) *zkserver.Backup {
		t.Helper()
		var raw bytes.Buffer
		if err := from(t.Context(), dir, &raw); err != nil {
			t.Fatal(err)
		}
		b, err := zkserver.ReadBackup(&raw)
		if err != nil {
			t.Fatal(err)
		}
		if data, _, err := b.Tree.Get("/x", nil); err != nil || string(data) != "data" {
			t.Errorf("/x has %q, %v", data, err)
		}
		return b
	}
	for _, s := range e.Servers() {
		read(zkserver.BackupRunning, s.Dir())
	}
	for _, s := range e.Servers() {
		s.Stop()
		read(zkserver.BackupDir, s.Dir())
	}
}

func TestABackupOfAMemberWithoutAQuorumFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := []zkserver.Member{{Number: 1, Address: "a:1"}, {Number: 2, Address: "b:1"}, {Number: 3, Address: "c:1"}}
		s, err := zkserver.Open(zkserver.Config{
			Listener: zktest.NewListener(), Dir: "/data", FS: waltest.New(1),
			Ensemble: zkserver.Ensemble{
				Number: 1, Members: members, Listener: zktest.NewListener(),
				Dial: func(context.Context, zkserver.Member) (net.Conn, error) { return nil, errors.New("nobody there") },
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		if err := s.Backup(ctx, io.Discard); !errors.Is(err, zkserver.ErrNoQuorum) {
			t.Errorf("error %v, want that there is no quorum", err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
