package zkserver

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/wire"
)

func TestASessionMovesToAnotherMemberWithAllItHas(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, b := r.followers()
		g := r.guest(a, 10*time.Second)
		if got := g.SessionID >> 56; got != int64(a) {
			r.Errorf("session %#x of member %d begins with %d", g.SessionID, a, got)
		}
		g.create("/watched", 0)
		g.create("/e", ephemeral)
		behind := *g
		g.move(b)
		if !g.exists("/e", false) {
			r.Error("the ephemeral znode is gone")
		}
		if !g.exists("/watched", true) {
			r.Fatal("no znode")
		}
		g.set("/watched", "x")
		if len(g.events) != 1 || g.events[0].Path != "/watched" {
			r.Errorf("events %v, want one of /watched", g.events)
		}
		if _, ended := behind.endsAfter(time.Second); !ended {
			r.Error("the connection left behind is open")
		}
		g.move(r.leader())
		g.move(a)
		if code := g.do(wire.OpCloseSession, &wire.Empty{}, nil); code != wire.OK {
			r.Error(code)
		}
		g = r.guest(b, time.Second)
		if g.do(wire.OpSync, &wire.PathRequest{Path: "/"}, nil); g.exists("/e", false) {
			r.Error("the session is closed, and its znode there")
		}
	})
}

// The member left behind has not heard of the move when the write comes.
func TestAWriteOnTheConnectionLeftBehindIsNotDone(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, b := r.followers()
		g := r.guest(a, 10*time.Second)
		g.create("/x", 0)
		behind := *g
		leader := r.leader()
		r.cut(leader, a)
		g.move(b)
		behind.send(100, wire.OpSetData, &wire.SetDataRequest{Path: "/x", Data: []byte("late"), Version: -1})
		time.Sleep(50 * time.Millisecond)
		g.do(wire.OpSync, &wire.PathRequest{Path: "/"}, nil)
		if got := g.get("/x"); got != "" {
			r.Errorf("/x = %q", got)
		}
		r.mend(leader, a)
		h, err := behind.next(nil)
		if err == nil && h.Err != wire.SessionMoved {
			r.Errorf("the write is answered %v, want %v or the end of the connection", h.Err, wire.SessionMoved)
		}
		if _, ended := behind.endsAfter(5 * time.Second); !ended {
			r.Error("the connection left behind is open")
		}
		if got := g.get("/x"); got != "" {
			r.Errorf("/x = %q", got)
		}
	})
}

// The client gave up on the first, and has found another one.
func TestAnAttachThatWasHeldUpDoesNotTakeTheSessionBack(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, b := r.followers()
		leader := r.leader()
		g := r.guest(leader, 20*time.Second)
		r.cutOff(a)
		for range 3 {
			nc, err := r.net.dial(context.Background(), 0, clientAddr(a))
			if err != nil {
				r.Fatal(err)
			}
			q := g.again()
			frame, start := wire.BeginFrame(nil)
			nc.Write(wire.EndFrame(q.Append(frame), start))
			time.Sleep(300 * time.Millisecond)
			nc.Close()
		}
		g.move(b)
		r.rejoin(a)
		time.Sleep(time.Second)
		r.settle()
		r.guest(a, time.Second) // whose session comes after what was held up
		if !g.exists("/", false) {
			r.Error("no root")
		}
		if s, _ := r.servers[a].replica.session(session.ID(g.SessionID)); s.Attach != 1 {
			r.Errorf("the session was attached to %d times, want once", s.Attach)
		}
		g.move(a)
		g.move(b)
		if s, _ := r.servers[b].replica.session(session.ID(g.SessionID)); s.Attach != 3 {
			r.Errorf("the session was attached to %d times, want 3", s.Attach)
		}
	})
}

// The member does not know that the session was elsewhere meanwhile.
func TestAMemberThatLagsAttachesAllTheSame(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, b := r.followers()
		leader := r.leader()
		g := r.guest(a, 20*time.Second)
		r.cut(leader, b)
		g.move(leader)
		g.move(a)
		time.AfterFunc(200*time.Millisecond, func() { r.mend(leader, b) })
		g.move(b)
		if !g.exists("/", false) {
			r.Error("no root")
		}
	})
}

func TestAMemberThatLagsShowsNoClientLessThanItHasSeen(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, b := r.followers()
		g := r.guest(a, 20*time.Second)
		g.create("/x", 0)
		leader := r.leader()
		r.cut(leader, b)
		g.set("/x", "new")
		time.AfterFunc(time.Second, func() { r.mend(leader, b) })
		begin := time.Now()
		g.move(b)
		if took := time.Since(begin); took < time.Second {
			r.Errorf("the member answered after %v, when it was %v behind", took, time.Second)
		}
		if got := g.get("/x"); got != "new" {
			r.Errorf("/x = %q after the client has seen %q", got, "new")
		}
	})
}

func TestAClientThatIsAheadOfAllIsRefusedWithoutAWord(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, b := r.followers()
		g := r.guest(a, 10*time.Second)
		q := g.again()
		q.LastZxidSeen = 1 << 40
		if err := new(guest{trio: r}).greet(b, q); !errors.Is(err, errSilent) {
			r.Errorf("error %v, want %v", err, errSilent)
		}
		g.create("/x", 0) // its connection has not been taken from it
	})
}

// The member's commands are of another origin after that.
func TestClientsOfAMemberThatWasGivenTheStateOfAnotherComeBack(t *testing.T) {
	few := func(cfg *Config) { cfg.SnapshotEntries, cfg.SegmentBytes = 20, 64<<10 }
	inTrio(t, few, func(r *trio) {
		a, b := r.followers()
		g := r.guest(a, 30*time.Second)
		g.create("/x", 0)
		lagging := r.guest(b, 30*time.Second)
		lagging.exists("/x", true)
		origin := r.servers[b].node.Origin()
		r.cutOff(b)
		for range 200 {
			g.set("/x", string(make([]byte, 2000)))
		}
		g.set("/x", "last")
		r.reset(b) // or what was sent meanwhile would arrive
		r.rejoin(b)
		if _, ended := lagging.endsAfter(3 * time.Second); !ended {
			r.Error("the connection is open, whose watches are gone")
		}
		r.settle()
		if r.servers[b].node.Origin() == origin {
			r.Fatal("the member was given no snapshot")
		}
		lagging.move(b)
		if got := lagging.get("/x"); got != "last" {
			r.Errorf("/x = %q, want last", got)
		}
		lagging.set("/x", "on")
		lagging.create("/e", ephemeral)
		lagging.move(a)
		if got := lagging.get("/x"); got != "on" {
			r.Errorf("/x = %q, want on", got)
		}
	})
}

func TestALeaderThatDiesIsNotMissedByClientsOfOthers(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, _ := r.followers()
		g := r.guest(a, 2*time.Second) // the least there is would be 1 s
		g.create("/e", ephemeral)
		r.kill(r.leader())
		begin := time.Now()
		g.set("/e", "written without a leader")
		if took := time.Since(begin); took > 1500*time.Millisecond {
			r.Errorf("a write took %v when the leader died", took)
		}
		r.settle()
		if got := g.get("/e"); got == "" {
			r.Error("what was written is gone")
		}
	})
}
