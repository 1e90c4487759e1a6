package zktest_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A client with the right changes who the members are, and the others are told by
// their watches, as at Apache ZooKeeper (Administrator's Guide, "Dynamic
// Reconfiguration").
func TestMembersAreChangedByReconfig(t *testing.T) {
	e := zktest.NewEnsemble(t, 4, func(c *zkserver.Config) {
		c.ReconfigEnabled = true
		c.SuperDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=" // super:test
	})
	e.Leader()
	first, _ := connect(t, e.Servers()[0].Addr(), net.DialTimeout, 10*time.Second)
	second, _ := connect(t, e.Servers()[1].Addr(), net.DialTimeout, 10*time.Second)
	text, _, fired, err := second.GetW("/zookeeper/config")
	if err != nil || strings.Count(string(text), "server.") != 4 || !strings.HasSuffix(string(text), "\nversion=0") {
		t.Fatalf("%q, %v", text, err)
	}
	lines := strings.Split(string(text), "\n")

	if _, err := first.IncrementalReconfig(nil, []string{"4"}, -1); !errors.Is(err, zk.ErrNoAuth) {
		t.Errorf("without the right: %v", err)
	}
	if err := first.AddAuth("digest", []byte("super:test")); err != nil {
		t.Fatal(err)
	}
	if _, err := first.IncrementalReconfig(nil, []string{"4"}, 77); !errors.Is(err, zk.ErrBadVersion) {
		t.Errorf("with another version: %v", err)
	}
	if _, err := first.IncrementalReconfig(nil, []string{"2", "3", "4"}, -1); !errors.Is(err, zk.ErrBadArguments) {
		t.Errorf("with one vote left: %v", err)
	}
	// A marshalling error, for which the library has no name.
	if _, err := first.IncrementalReconfig(nil, []string{"four"}, -1); err == nil || !strings.Contains(err.Error(), "-5") {
		t.Errorf("without one that is no number: %v", err)
	}

	stat, err := first.IncrementalReconfig(nil, []string{"4"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join(lines[:3], "\n") + fmt.Sprintf("\nversion=%x", stat.Mzxid)
	if got, _, err := first.Get("/zookeeper/config"); err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	select {
	case ev := <-fired:
		if ev.Type != zk.EventNodeDataChanged {
			t.Errorf("%v", ev)
		}
	case <-time.After(time.Minute):
		t.Error("the watch did not fire")
	}

	// One that was removed, and stands by, is made a member again.
	back, err := first.IncrementalReconfig([]string{lines[3] + ";127.0.0.1:2181"}, nil, -1)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := first.Get("/zookeeper/config"); err != nil || !strings.Contains(string(got), lines[3]+";127.0.0.1:2181\n") || back.Mzxid <= stat.Mzxid {
		t.Errorf("%q, %v", got, err)
	}
}
