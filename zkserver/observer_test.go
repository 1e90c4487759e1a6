package zkserver

import (
	"strings"
	"testing"
	"time"
)

// A member that is configured as an observer serves, is an observer for the
// clients, and is not counted when votes are.
func TestAnObserverHasNoVote(t *testing.T) {
	observes := func(cfg *Config) { cfg.Ensemble.Members[2].Observer = true }
	inTrio(t, observes, func(r *trio) {
		g := r.guest(3, 10*time.Second)
		g.create("/x", 0)
		text := g.get("/zookeeper/config")
		for _, want := range []string{":participant\nserver.2=", ":observer\nversion="} {
			if !strings.Contains(text, want) {
				t.Errorf("/zookeeper/config has no %q: %s", want, text)
			}
		}
		if got := r.servers[3].mode(r.servers[3].node.Role()); got != "observer" {
			t.Errorf("member 3 is a %s", got)
		}

		follower := 3 - r.leader()
		r.kill(3)
		r.guest(follower, 10*time.Second).create("/without", 0)
		r.start(3)
		r.settle()
		leader := r.leader()
		if leader == 3 {
			t.Fatal("the observer leads")
		}
		r.kill(leader)
		r.await("the end of the lead", func() bool { return r.leader() == 0 })
		time.Sleep(30 * time.Second)
		if n := r.leader(); n != 0 {
			t.Errorf("member %d leads with the vote of an observer", n)
		}
	})
}
