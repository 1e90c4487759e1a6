package zkserver_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/mwqueue/mw/zkserver/zktest"
)

// goClient connects with the client most Go programs use.
func goClient(t *testing.T, s *zktest.Server) *zk.Conn {
	t.Helper()
	conn, _ := goClientEvents(t, s)
	return conn
}

func goClientEvents(t *testing.T, s *zktest.Server) (*zk.Conn, <-chan zk.Event) {
	t.Helper()
	conn, events, err := zk.Connect([]string{s.Addr()}, 5*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	awaitSession(events)
	return conn, events
}

func awaitSession(events <-chan zk.Event) {
	for e := range events {
		if e.State == zk.StateHasSession {
			return
		}
	}
}

func TestGoZooKeeperClient(t *testing.T) {
	s := zktest.NewServer(t)
	a, b := goClient(t, s), goClient(t, s)
	acl := zk.WorldACL(zk.PermAll)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	_, err := a.Create("/task", []byte("one"), 0, acl)
	must(err)
	name, err := a.Create("/task/e-", nil, zk.FlagEphemeral|zk.FlagSequence, acl)
	if err != nil || name != "/task/e-0000000000" {
		t.Fatalf("sequential ephemeral is %q, %v", name, err)
	}

	data, stat, changed, err := b.GetW("/task")
	if err != nil || string(data) != "one" || stat.NumChildren != 1 {
		t.Fatalf("get: %q, %+v, %v", data, stat, err)
	}
	_, _, children, err := b.ChildrenW("/task")
	must(err)
	_, err = a.Set("/task", []byte("two"), stat.Version)
	must(err)
	if e := <-changed; e.Type != zk.EventNodeDataChanged || e.Path != "/task" {
		t.Errorf("event %+v", e)
	}
	if _, err := a.Set("/task", nil, stat.Version); !errors.Is(err, zk.ErrBadVersion) {
		t.Errorf("set of an old version: %v", err)
	}

	res, err := a.Multi(
		&zk.CheckVersionRequest{Path: "/task", Version: 1},
		&zk.CreateRequest{Path: "/task/c", Acl: acl},
		&zk.SetDataRequest{Path: "/task", Data: []byte("three"), Version: 1},
	)
	if err != nil || len(res) != 3 || res[1].String != "/task/c" || res[2].Stat.Version != 2 {
		t.Fatalf("multi: %+v, %v", res, err)
	}
	res, err = a.Multi(&zk.CheckVersionRequest{Path: "/task", Version: 1}, &zk.DeleteRequest{Path: "/task/c", Version: -1})
	if !errors.Is(err, zk.ErrBadVersion) || len(res) != 2 || !errors.Is(res[0].Error, zk.ErrBadVersion) {
		t.Errorf("multi that fails: %+v, %v", res, err)
	}
	if e := <-children; e.Type != zk.EventNodeChildrenChanged {
		t.Errorf("event %+v", e)
	}

	digestIsForItsOwner(t, a, b)
	if _, err := b.Sync("/task"); err != nil {
		t.Error(err)
	}
	a.Close()
	for ok := true; ok; {
		var gone <-chan zk.Event
		if ok, _, gone, err = b.ExistsW(name); ok {
			<-gone
		}
		must(err)
	}
}

// digestIsForItsOwner makes a znode that b may not read.
func digestIsForItsOwner(t *testing.T, a, b *zk.Conn) {
	t.Helper()
	if err := a.AddAuth("digest", []byte("alice:secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Create("/mine", nil, 0, zk.DigestACL(zk.PermAll, "alice", "secret")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Get("/mine"); !errors.Is(err, zk.ErrNoAuth) {
		t.Errorf("a stranger reads: %v", err)
	}
	got, _, err := a.GetACL("/mine")
	if err != nil || len(got) != 1 || got[0].Scheme != "digest" {
		t.Errorf("getACL: %+v, %v", got, err)
	}
}

func TestGoZooKeeperClientComesBackAfterARestart(t *testing.T) {
	s := zktest.NewServer(t)
	conn, events := goClientEvents(t, s)
	if _, err := conn.Create("/e", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	_, _, changed, err := conn.GetW("/e")
	if err != nil {
		t.Fatal(err)
	}
	id := conn.SessionID()
	s.Restart()

	// The client sets its watch again by itself.
	other := goClient(t, s)
	awaitSession(events)
	if conn.SessionID() != id {
		t.Errorf("session %#x is now %#x", id, conn.SessionID())
	}
	if _, err := other.Set("/e", []byte("x"), -1); err != nil {
		t.Fatal(err)
	}
	if e := <-changed; e.Type != zk.EventNodeDataChanged {
		t.Errorf("event %+v", e)
	}
}
