package zkserver

import (
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// fill takes all room from the disk of a member, also what it has made meanwhile.
func (r *trio) fill(members ...int) {
	for _, n := range members {
		r.disks[n].SetCapacity(r.disks[n].Used())
	}
}

// write sets the data of a znode to much, and gives the code of the answer, which
// must come soon.
func (g *guest) write(path string) wire.Code {
	g.Helper()
	begin := time.Now()
	code := g.do(wire.OpSetData, &wire.SetDataRequest{Path: path, Data: make([]byte, 50<<10), Version: -1}, nil)
	if took := time.Since(begin); took > 2*time.Second || code != wire.OK && code != wire.OperationTimeout {
		g.Fatalf("write: %v after %v", code, took)
	}
	return code
}

// until writes until the answer is code, on members whose disks are full.
func (g *guest) until(code wire.Code, full ...int) {
	g.Helper()
	for range 400 {
		g.fill(full...)
		if g.write("/x") == code {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	g.Fatalf("no answer is %v", code)
}

func TestALeaderWhoseDiskIsFullGivesTheLeadToOneWithRoom(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		full := r.leader()
		a, _ := r.followers()
		atFull, atOther := r.guest(full, 10*time.Second), r.guest(a, 10*time.Second)
		for _, g := range []*guest{atFull, atOther} {
			defer g.keepAlive(time.Second)()
		}
		atOther.create("/x", 0)
		atFull.create("/mine", ephemeral)
		atFull.until(wire.OperationTimeout, full)
		r.settle()
		if r.leader() == full {
			time.Sleep(time.Second)
			r.settle()
		}
		if r.leader() == full {
			t.Error("it leads")
		}
		for range 5 {
			r.fill(full)
			if code := atOther.write("/x"); code != wire.OK {
				t.Errorf("write on a member with room: %v", code)
			}
		}
		r.disks[full].SetCapacity(0)
		atFull.until(wire.OK)
		if !atOther.exists("/mine", false) {
			t.Error("a session has expired")
		}
	})
}

// A follower's client is told what one of the leader is, and does not wait.
func TestClientsOfAllMembersAreToldThatDisksAreFull(t *testing.T) {
	for _, full := range [][]int{{1, 2, 3}, {1, 2}, {2, 3}} {
		inTrio(t, nil, func(r *trio) {
			var guests []*guest
			for n := 1; n <= 3; n++ {
				g := r.guest(n, 10*time.Second)
				defer g.keepAlive(time.Second)()
				guests = append(guests, g)
			}
			guests[0].create("/x", 0)
			guests[0].create("/mine", ephemeral)
			for _, g := range guests {
				g.until(wire.OperationTimeout, full...)
			}
			for range 60 {
				time.Sleep(time.Second)
				r.fill(full...)
				for _, g := range guests {
					if g.get("/x"); g.write("/x") == wire.OK {
						t.Errorf("disks of %v are full: a write was taken", full)
					}
				}
			}
			for _, n := range full {
				r.disks[n].SetCapacity(0)
			}
			for _, g := range guests {
				g.until(wire.OK)
			}
			if !guests[2].exists("/mine", false) {
				t.Error("a session has expired")
			}
		})
	}
}

// Who is dead is no majority with one that has room.
func TestClientsAreToldThatADiskIsFullWhileAnotherMemberIsDead(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		full, dead := r.followers()
		lead := r.leader()
		atLeader, atFull := r.guest(lead, 10*time.Second), r.guest(full, 10*time.Second)
		for _, g := range []*guest{atLeader, atFull} {
			defer g.keepAlive(time.Second)()
		}
		atLeader.create("/x", 0)
		r.kill(dead)
		atLeader.until(wire.OK) // and nobody is refused for that
		for _, g := range []*guest{atLeader, atFull} {
			g.until(wire.OperationTimeout, full)
		}
		for range 5 {
			time.Sleep(time.Second)
			r.fill(full)
			if atLeader.write("/x") == wire.OK {
				t.Error("a write was taken")
			}
		}
		r.disks[full].SetCapacity(0)
		for _, g := range []*guest{atLeader, atFull} {
			g.until(wire.OK)
		}
	})
}

// It falls behind, and those of its clients who would see that find another member.
func TestAFollowerWhoseDiskIsFullHoldsUpNobody(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		full, other := r.followers()
		at, g := r.guest(full, 20*time.Second), r.guest(other, 20*time.Second)
		g.create("/x", 0)
		begin := time.Now()
		for range 100 {
			r.fill(full)
			if code := g.write("/x"); code != wire.OK {
				t.Fatalf("write on a member with room: %v", code)
			}
		}
		if _, ended := at.endsAfter(10 * time.Second); !ended {
			t.Error("a client of one that is behind is served")
		}
		t.Logf("sent away after %v", time.Since(begin))
		r.disks[full].SetCapacity(0)
		r.await("the member to catch up", func() bool {
			return r.servers[full].serves() && r.servers[full].replica.lastZxid() == r.servers[other].replica.lastZxid()
		})
		at.move(full)
		at.until(wire.OK)
	})
}

func TestOneWhoseDiskIsFullLeavesTheLeadToOneWithRoom(t *testing.T) {
	for i := range 2 {
		inTrio(t, nil, func(r *trio) {
			full, other := r.followers()
			if i == 1 {
				full, other = other, full
			}
			g := r.guest(full, 20*time.Second)
			g.create("/x", 0)
			g.until(wire.OperationTimeout, full)
			r.kill(r.leader())
			r.settle()
			if r.leader() != other {
				t.Errorf("member %d leads, which has no room", full)
			}
		})
	}
}
