package zktest_test

import (
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestAnEnsembleServesThroughEachOfItsServersAndOutlivesItsLeader.
func TestAnEnsembleServesThroughEachOfItsServersAndOutlivesItsLeader(t *testing.T) {
	e := zktest.NewEnsemble(t, 3)
	leader := e.Leader()
	for _, s := range e.Servers() {
		conn, _ := connect(t, s.Addr(), net.DialTimeout, 10*time.Second)
		if _, err := conn.Create("/by-", nil, zk.FlagSequence, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	leader.Stop()
	if next := e.Leader(); next == leader {
		t.Fatal("a server that is stopped leads")
	}
	leader.Restart()
	e.Leader()
	conn, _ := connect(t, leader.Addr(), net.DialTimeout, 10*time.Second)
	if _, err := conn.Sync("/"); err != nil {
		t.Fatal(err)
	}
	names, _, err := conn.Children("/")
	slices.Sort(names)
	if want := []string{"by-0000000000", "by-0000000001", "by-0000000002", "zookeeper"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("children %v, %v; want %v", names, err, want)
	}
}

// TestAnEnsembleRunsInABubble where time is virtual and no socket is used.
func TestAnEnsembleRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := zktest.NewEnsemble(t, 3, zktest.InMemory)
		leader := e.Leader()
		follower := e.Servers()[0]
		if follower == leader {
			follower = e.Servers()[1]
		}
		conn, _ := connect(t, follower.Addr(), follower.Listener().DialTimeout, 10*time.Second)
		if _, err := conn.Create("/here", nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		leader.PowerCut()
		e.Leader()
		leader.Restart()
		e.Leader()
		conn, _ = connect(t, leader.Addr(), leader.Listener().DialTimeout, 10*time.Second)
		if ok, _, err := conn.Exists("/here"); err != nil || !ok {
			t.Errorf("what was acknowledged is there: %v, %v", ok, err)
		}
	})
}
