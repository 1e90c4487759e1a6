package zkserver

import (
	"fmt"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// reconfigurable lets the user super:test change the members.
func reconfigurable(c *Config) {
	c.ReconfigEnabled = true
	c.SuperDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
}

// operator opens a session that may change the members.
func (r *trio) operator(n int) *guest {
	r.Helper()
	g := r.guest(n, 10*time.Second)
	if code := g.do(wire.OpAuth, &wire.AuthRequest{Scheme: "digest", Auth: []byte("super:test")}, nil); code != wire.OK {
		r.Fatal(code)
	}
	return g
}

// reconfig changes the members.
func (g *guest) reconfig(q wire.ReconfigRequest) {
	g.Helper()
	q.CurConfigID = -1
	if code := g.do(wire.OpReconfig, &q, &wire.GetDataResponse{}); code != wire.OK {
		g.Fatal(code)
	}
}

// remove takes a member off the list.
func (g *guest) remove(n int) {
	g.Helper()
	g.reconfig(wire.ReconfigRequest{LeavingServers: fmt.Append(nil, n)})
}

// As at Apache ZooKeeper, one that is no member any more is a follower without a vote
// until it is stopped.
func TestAMemberThatIsRemovedServesItsClientsUntilItIsStopped(t *testing.T) {
	inTrio(t, reconfigurable, func(r *trio) {
		leader := r.leader()
		a, b := r.followers()
		g, other := r.operator(a), r.guest(b, 10*time.Second)
		g.create("/e", ephemeral)
		g.remove(a)
		for range 5 {
			g.exists("/e", true)
			other.set("/e", "x")
			if code := g.do(wire.OpSync, &wire.PathRequest{Path: "/"}, nil); code != wire.OK {
				r.Fatal(code)
			}
			time.Sleep(4 * time.Second) // longer than clients wait that hear of no leader
		}
		if len(g.events) != 5 {
			r.Errorf("%d events of 5", len(g.events))
		}
		if voters, others := r.learners(leader); voters != 2 || others != 1 {
			r.Errorf("the leader knows of %d that vote and %d others", voters, others)
		}
		r.stop(a)
		r.await("the leader to let go of the member", func() bool { _, others := r.learners(leader); return others == 0 })
		g.move(b)
		if !g.exists("/e", false) {
			r.Error("the session has not moved with its znode")
		}
	})
}

// A client of the leader takes it off the list, and puts it back, on one connection.
func TestAMemberIsRemovedAndComesBackByItsOwnClient(t *testing.T) {
	inTrio(t, reconfigurable, func(r *trio) {
		leader := r.leader()
		g := r.operator(leader)
		g.create("/e", ephemeral)
		g.remove(leader)
		g.set("/e", "x")
		if r.servers[leader].node.Role().Leading {
			r.Error("one that is no member leads")
		}
		line := fmt.Sprintf("server.%d=%s:3888;%s", leader, peerAddr(leader), clientAddr(leader))
		g.reconfig(wire.ReconfigRequest{JoiningServers: []byte(line)})
		g.set("/e", "y")
		r.await("three that vote", func() bool { voters, others := r.learners(r.leader()); return voters == 3 && others == 0 })
		if now := r.leader(); now != leader {
			r.kill(now)
		}
		g.set("/e", "z")
	})
}

// learners counts those that a leader knows of, itself included.
func (r *trio) learners(leader int) (voters, others int) {
	s := r.servers[leader]
	if s == nil {
		return 0, 0
	}
	for _, m := range s.learners(s.node.Status()) {
		switch {
		case !m.Votes:
			others++
		case m.Active:
			voters++
		}
	}
	return voters, others
}
