package zkserver

import (
	"errors"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/wire"
)

// late is how long after its timeout a session may still be there: the expiry loop
// looks ten times a second, members report twice a tick, and the rest is the
// network's.
const late = 300 * time.Millisecond

func TestASilentClientOfAnyMemberExpiresOnTime(t *testing.T) {
	for name, closes := range map[string]bool{"hangs": false, "hangs up": true} {
		t.Run(name, func(t *testing.T) {
			inTrio(t, nil, func(r *trio) {
				const timeout = 2 * time.Second
				for n := 1; n <= 3; n++ {
					watcher := r.guest(n%3+1, time.Minute)
					g := r.guest(n, timeout)
					stop := g.keepAlive(timeout / 3)
					g.create("/e", ephemeral)
					time.Sleep(3 * timeout)
					stop()
					g.ping()
					time.Sleep(5 * time.Millisecond)
					if closes {
						g.nc.Close()
					}
					if took := watcher.awaitGone("/e", time.Minute); took < timeout-10*time.Millisecond || took > timeout+late {
						r.Errorf("session of %v at member %d, leader %d, ended after %v", timeout, n, r.leader(), took)
					}
					if !closes {
						if _, ended := g.endsAfter(time.Second); !ended {
							r.Error("the connection of a session that is over is open")
						}
					}
				}
			})
		})
	}
}

// Nothing of what it does reaches the leader but the reports.
func TestAClientThatOnlyReadsDoesNotExpireOnAnyMember(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		const timeout = 2 * time.Second
		var guests []*guest
		for n := 1; n <= 3; n++ {
			guests = append(guests, r.guest(n, timeout), r.guest(n, timeout))
		}
		for range 30 {
			time.Sleep(timeout * 9 / 10)
			for i, g := range guests {
				if i%2 == 0 {
					g.exists("/", false)
				} else {
					g.ping()
				}
			}
		}
		for n, s := range r.servers {
			if got := s.leadsSince() != 0; got != (n == r.leader()) {
				r.Errorf("member %d has the sessions' times: %v; the leader is member %d", n, got, r.leader())
			}
			for _, g := range guests {
				if !r.has(n, g.SessionID) {
					r.Errorf("session %#x has expired", g.SessionID)
				}
			}
		}
	})
}

func TestALeaderGivesEverySessionItsFullTime(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		const timeout = 4 * time.Second
		a, _ := r.followers()
		watcher := r.guest(a, time.Minute)
		g := r.guest(r.leader(), timeout)
		g.create("/e", ephemeral)
		time.Sleep(timeout * 3 / 4)
		r.kill(r.leader())
		begin := time.Now()
		r.settle()
		elected := time.Since(begin)
		const grace = 500 * time.Millisecond // a tick, for the reports of the others
		watcher.awaitGone("/e", time.Minute)
		if took := time.Since(begin); took < timeout || took > elected+timeout+grace+late {
			r.Errorf("session of %v ended %v after the leader, the next of which was there after %v", timeout, took, elected)
		}
	})
}

// It has the majority's word no more, and their reports do not reach it.
func TestALeaderThatIsCutOffExpiresNothing(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		const timeout = 4 * time.Second
		leader := r.leader()
		a, b := r.followers()
		g := r.guest(a, timeout)
		g.create("/e", ephemeral)
		defer g.keepAlive(timeout / 5)()
		for range 3 {
			r.cutOff(leader)
			time.Sleep(timeout * 3 / 2)
			r.rejoin(leader)
			r.settle()
			time.Sleep(timeout / 4)
		}
		if !g.exists("/e", false) || !r.has(b, g.SessionID) {
			r.Error("the session has expired")
		}
	})
}

// A short cut, which no election comes of, holds up the report that a session is
// alive, and lets through what the leader says: its expiry, too.
func TestAReportThatIsHeldUpIsWaitedFor(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		leader := r.leader()
		a, b := r.followers()
		g := r.guest(a, time.Second)
		for range 10 {
			g.exists("/", false)
			time.Sleep(850 * time.Millisecond)
			term := r.servers[a].node.Role().Term
			r.cut(a, leader)
			r.cut(b, leader)
			time.Sleep(20 * time.Millisecond)
			g.ping()
			time.Sleep(230 * time.Millisecond)
			r.mend(a, leader)
			r.mend(b, leader)
			time.Sleep(200 * time.Millisecond)
			if now := r.servers[a].node.Role().Term; now != term {
				r.Fatalf("term %d after term %d: the cut was too long", now, term)
			}
			if !r.has(leader, g.SessionID) {
				r.Fatal("the session has expired")
			}
		}
	})
}

// The client hears nothing that is wrong, but its pings come to nothing: the
// member must notice, so that the client can go elsewhere in time.
func TestAMemberThatIsNotHeardSendsItsClientsAwayInTime(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		leader := r.leader()
		a, b := r.followers()
		for _, timeout := range []time.Duration{4 * time.Second, 20 * time.Second} {
			g := r.guest(a, timeout)
			stop := g.keepAlive(timeout / 10)
			r.cut(a, leader)
			took, ended := g.endsAfter(timeout)
			if !ended || took > min(timeout/2, noLeaderTime)+late {
				r.Fatalf("client with a session of %v was sent away: %v, after %v", timeout, ended, took)
			}
			stop()
			g.move(b)
			r.mend(a, leader)
			r.settle()
		}
	})
}

func TestWithoutALeaderClientsWaitAndAreThenSentAway(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		leader := r.leader()
		a, b := r.followers()
		g := r.guest(a, 20*time.Second)
		g.create("/x", 0)
		defer g.keepAlive(time.Second)()
		r.kill(leader)
		r.settle()
		if !g.exists("/x", false) {
			r.Error("no /x")
		}
		r.kill(b)
		g.xid++
		g.send(g.xid, wire.OpSetData, &wire.SetDataRequest{Path: "/x", Version: -1}) // is never answered
		if took, ended := g.endsAfter(time.Minute); !ended || took < noLeaderTime-time.Second || took > noLeaderTime+3*late {
			r.Errorf("client was sent away: %v, after %v", ended, took)
		}
		begin := time.Now()
		if err := new(guest{trio: r}).greet(a, g.again()); !errors.Is(err, errSilent) || time.Since(begin) > late {
			r.Errorf("a member without a leader answers %v after %v", err, time.Since(begin))
		}
		r.start(b)
		r.settle()
		g.move(a)
		if !g.exists("/x", false) {
			r.Error("no /x")
		}
	})
}

func TestReadOnlyModeServesThoseWhoAskForIt(t *testing.T) {
	inTrio(t, func(cfg *Config) { cfg.ReadOnlyMode = true }, func(r *trio) {
		leader := r.leader()
		a, b := r.followers()
		known := r.guest(a, 30*time.Second)
		known.create("/x", 0)
		known.set("/x", "old")
		r.kill(leader)
		r.kill(b)
		r.await("read-only mode", func() bool { return r.servers[a].isReadOnly() })
		if _, ended := known.endsAfter(time.Millisecond); !ended {
			r.Error("a client that does not know of it is served without a leader")
		}

		content := wire.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16), HasReadOnly: true, ReadOnly: true}
		g := &guest{trio: r}
		if err := g.greet(a, content); err != nil {
			r.Fatal(err)
		}
		if !g.ReadOnly {
			r.Error("the client is not told")
		}
		if got := g.get("/x"); got != "old" {
			r.Errorf("/x = %q, want old", got)
		}
		g.mayNotWrite()
		again := known.again()
		again.HasReadOnly, again.ReadOnly = true, true
		lent := &guest{trio: r}
		if err := lent.greet(a, again); err != nil || lent.SessionID != known.SessionID || !lent.ReadOnly {
			r.Errorf("a session that is known: %v, %+v", err, lent.ConnectResponse)
		}
		if code := lent.do(wire.OpCloseSession, &wire.Empty{}, nil); code != wire.NotReadOnly {
			r.Errorf("close of a session that others know, too: %v, want %v", code, wire.NotReadOnly)
		}
		again.SessionID++
		if err := new(guest{trio: r}).greet(a, again); err == nil || err == errRefused {
			r.Errorf("a session that may be known elsewhere: %v, want no word", err)
		}
		brief := &guest{trio: r}
		if err := brief.greet(a, content); err != nil {
			r.Fatal(err)
		}
		if code := brief.do(wire.OpCloseSession, &wire.Empty{}, nil); code != wire.OK {
			r.Errorf("close: %v", code)
		}
		silent := &guest{trio: r}
		if err := silent.greet(a, content); err != nil {
			r.Fatal(err)
		}
		stop := g.keepAlive(time.Second)
		if took, ended := silent.endsAfter(10 * time.Second); !ended || took > 6*time.Second {
			r.Errorf("a silent client was cut off: %v, after %v", ended, took)
		}
		r.start(b)
		r.settle()
		if took, ended := g.endsAfter(time.Second); !ended {
			r.Errorf("a client of before is served %v after a leader is back", took)
		}
		stop()
		known.move(a)
		known.set("/x", "new")
	})
}

// mayNotWrite wants all that changes something to be refused.
func (g *guest) mayNotWrite() {
	g.Helper()
	writes := map[wire.Op]wire.Record{
		wire.OpSetData: &wire.SetDataRequest{Path: "/x", Version: -1},
		wire.OpDelete:  &wire.DeleteRequest{Path: "/x", Version: -1},
		wire.OpMulti:   &wire.MultiRequest{},
		wire.OpSync:    &wire.PathRequest{Path: "/"},
	}
	for op, body := range writes {
		if code := g.do(op, body, nil); code != wire.NotReadOnly {
			g.Errorf("%v: %v, want %v", op, code, wire.NotReadOnly)
		}
	}
}

func TestAMemberAloneIsReadOnlyFromTheStart(t *testing.T) {
	inTrio(t, func(cfg *Config) { cfg.ReadOnlyMode = true }, func(r *trio) {
		g := r.guest(1, 30*time.Second)
		g.create("/x", 0)
		r.await("/x everywhere", func() bool {
			return r.servers[1].replica.lastZxid() == r.servers[2].replica.lastZxid() && r.servers[1].replica.lastZxid() == r.servers[3].replica.lastZxid()
		})
		for n := 1; n <= 3; n++ {
			r.kill(n)
		}
		r.start(1)
		r.await("read-only mode", func() bool { return r.servers[1].isReadOnly() })
		content := wire.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16), HasReadOnly: true, ReadOnly: true}
		if err := g.greet(1, content); err != nil {
			r.Fatal(err)
		}
		g.shown = 0
		if rep := r.servers[1].Report(0); !rep.ReadOnly {
			r.Error("isro says rw")
		}
	})
}

// The member hears the leader, and is heard, but nothing of what is committed is
// applied there.
func TestAMemberWhoseDiskHangsSendsItsClientsAwayAndEnds(t *testing.T) {
	for _, who := range []string{"follower", "leader"} {
		t.Run(who, func(t *testing.T) {
			inTrio(t, nil, func(r *trio) {
				n, other := r.followers()
				if who == "leader" {
					n = r.leader()
				}
				g := r.guest(n, 20*time.Second)
				defer g.keepAlive(time.Second)()
				w := r.guest(other, 20*time.Second)
				w.create("/x", 0)
				begin := time.Now()
				r.disks[n].Inject(func(op waltest.Op, _ string) error {
					if left := time.Minute - time.Since(begin); op == waltest.OpSync && left > 0 {
						time.Sleep(left)
					}
					return nil
				})
				w.set("/x", "written")
				if took, ended := g.endsAfter(20 * time.Second); !ended || took > hangPatience+noLeaderTime+late {
					r.Errorf("client was sent away: %v, after %v", ended, took)
				}
				if g.move(other); g.get("/x") != "written" {
					r.Error("what was written is gone")
				}
				if err := <-r.errs[n]; !errors.Is(err, ensemble.ErrDisk) {
					r.Errorf("the member ended with %v, want %v", err, ensemble.ErrDisk)
				}
				if took := time.Since(begin); took > 35*time.Second {
					r.Errorf("the member ended after %v", took)
				}
				delete(r.servers, n)
				time.Sleep(time.Until(begin.Add(2 * time.Minute))) // what was left behind ends
			})
		})
	}
}
