package zkserver

import (
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// jute.maxbuffer is raised member by member. What the one with more of it takes
// as the leader all others write, and find again at their next start; what it
// forwards to a leader with less is taken by nobody.
func TestARequestThatOnlyOneMemberTakesHarmsNobody(t *testing.T) {
	for _, leads := range []bool{true, false} {
		wide := 1
		inTrio(t, func(cfg *Config) {
			cfg.SegmentBytes, cfg.MaxFrame = 16<<20, 1<<20
			if cfg.Ensemble.Number == wide {
				cfg.MaxFrame = 8 << 20
			}
		}, func(r *trio) {
			for rounds := 0; (r.leader() == wide) != leads; rounds++ {
				if rounds == 20 {
					t.Fatal("the lead does not move")
				}
				r.restart(r.leader())
			}
			acl := []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}}
			big, small := r.guest(wide, 40*time.Second), r.guest(wide, 40*time.Second)
			go big.send(1, wire.OpCreate, &wire.CreateRequest{Path: "/big", Data: make([]byte, 5<<20), ACL: acl})
			if header, err := big.next(nil); (err == nil && header.Err == wire.OK) != leads {
				t.Errorf("the large create when its member leads (%v): %+v, %v", leads, header, err)
			}
			small.create("/small", 0)
			for n := range 3 {
				if n++; n != wide {
					r.restart(n)
				}
			}
			for n := range r.servers {
				g := r.guest(n, 40*time.Second)
				if got := g.exists("/big", false); got != leads {
					t.Errorf("/big is on member %d: %v, want %v", n, got, leads)
				}
			}
		})
	}
}

// restart kills a member, starts it again and waits until all serve.
func (r *trio) restart(n int) {
	r.Helper()
	r.kill(n)
	r.start(n)
	r.settle()
}
