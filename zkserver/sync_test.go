package zkserver

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wire"
)

// sync reports whether a sync was answered.
func (g *guest) sync() bool {
	g.xid++
	g.send(g.xid, wire.OpSync, &wire.PathRequest{Path: "/"})
	_, err := g.next(nil)
	return err == nil
}

// The client was silent for too long, and wakes up while that is on its way
// through the log.
func TestASyncIsNotAnsweredForASessionWhoseEndIsProposed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		ctx, cancel := context.WithCancel(t.Context())
		var loops sync.WaitGroup
		loops.Go(func() { b.expireLoop(ctx) })
		loops.Go(func() { b.syncs.run(ctx, b.confirm) })
		defer loops.Wait()
		defer cancel()

		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if b.proposed() != 1 {
			t.Fatalf("%d commands are proposed, want the session's end", b.proposed())
		}
		p.send(wire.OpSync, &wire.PathRequest{Path: "/"})
		wantReplies(t, p)
		b.apply()
		wantReplies(t, p)
	})
}

// With the report's answer comes that of the sync. Other sessions in it live on.
func TestAReportOfASessionWhoseEndIsProposedIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.connect(1)
		b.lead(time.Now())
		time.Sleep(time.Minute + time.Second)
		report := encodeReport([]sign{{session: 1}}, ensemble.MaxTell)[0]
		if !b.hear(2, 1, report) || len(b.silent(time.Now(), true)) != 0 {
			t.Fatal("a report that is answered does not count")
		}

		time.Sleep(time.Minute + time.Second)
		if err := b.expireOverdue(t.Context(), time.Now()); err != nil || b.proposed() != 1 {
			t.Fatalf("%d commands are proposed, %v", b.proposed(), err)
		}
		if b.hear(2, 1, report) {
			t.Error("answered when the end was proposed")
		}
		if !b.hear(2, 2, report) {
			t.Error("not answered in the next term")
		}
		b.apply()
		if b.hear(2, 1, report) {
			t.Error("answered when the session had ended, which a member may not know that asks")
		}
		time.Sleep(keepEnding + time.Second)
		if b.silent(time.Now(), true); len(b.replica.live.ending) != 0 {
			t.Error("sessions that ended long ago are remembered")
		}
	})
}

// A follower makes a report again until it is answered, for all whose syncs wait.
func TestNobodysSyncWaitsForASessionThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		ends, lives := b.connect(1), b.connect(2)
		conns := []*conn{ends.conn, lives.conn}
		if got := b.signsOf(conns); len(got) != 2 {
			t.Fatalf("%d sessions are reported, want 2", len(got))
		}
		b.lead(time.Now())
		time.Sleep(time.Minute - time.Second)
		b.replica.live.tracker.Touch(2, time.Now())
		time.Sleep(2 * time.Second)
		if err := b.expireOverdue(t.Context(), time.Now()); err != nil || b.proposed() != 1 {
			t.Fatalf("%d commands are proposed, %v", b.proposed(), err)
		}
		b.apply()
		if got := b.signsOf(conns); len(got) != 1 || got[0].session != 2 {
			t.Errorf("reported are %v, want session 2 alone", got)
		}
	})
}

func TestASessionIsNotEndingWhenTheDiskHadNoRoomForItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.connect(1)
		b.lead(time.Now())
		time.Sleep(time.Minute + time.Second)
		b.setFull(true)
		if err := b.expireOverdue(t.Context(), time.Now()); err != nil || b.replica.live.ends(1, 1) {
			t.Errorf("ending, %v", err)
		}
	})
}

// What a follower says of its clients goes by another connection than what a sync
// asks the leader.
func TestNoSessionEndsBeforeItsTimeoutIsOverSinceASyncThatWasAnswered(t *testing.T) {
	for name, kind := range map[string]byte{"frames": framesStream, "raft": raftStream} {
		t.Run(name, func(t *testing.T) {
			inTrio(t, nil, func(r *trio) {
				const timeout = 5 * time.Second
				leader := r.leader()
				a, b := r.followers()
				watcher := r.guest(b, time.Minute)
				g := r.guest(a, timeout)
				g.create("/lock", ephemeral)
				last := time.Now()
				if !g.sync() {
					t.Fatal("no answer")
				}
				r.net.setStuck(true, simStream{a, leader, kind})
				begin := time.Now()
				go func() {
					for {
						sent := time.Now()
						if !g.sync() {
							return
						}
						last = sent
						time.Sleep(timeout / 6)
					}
				}()
				gone := watcher.awaitGone("/lock", time.Minute)
				if lease := last.Add(timeout).Sub(begin); gone < lease {
					t.Errorf("the session ended %v after the stream was stuck, the last sync was good until %v", gone, lease)
				}
			})
		})
	}
}

func TestASyncByWayOfAFollowerTakesNotMuchLongerThanTheNetworkDoes(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, _ := r.followers()
		g := r.guest(a, 5*time.Second)
		begin := time.Now()
		for range 100 {
			g.sync()
		}
		if took := time.Since(begin) / 100; took > 10*time.Millisecond {
			t.Errorf("a sync took %v, when the network takes half a millisecond each way", took)
		}
	})
}

// A follower that hears nothing does not know that it is behind.
func TestALinearizableReadIsNeverStale(t *testing.T) {
	for name, linearizable := range map[string]bool{"any": false, "linearizable": true} {
		t.Run(name, func(t *testing.T) {
			inTrio(t, func(cfg *Config) { cfg.LinearizableReads = linearizable }, func(r *trio) {
				leader := r.leader()
				a, b := r.followers()
				reader, writer := r.guest(a, 10*time.Second), r.guest(b, 10*time.Second)
				writer.create("/x", 0)
				writer.set("/x", "old")
				reader.sync()
				r.cut(leader, a)
				writer.set("/x", "new")
				time.AfterFunc(time.Second, func() { r.mend(leader, a) })
				begin := time.Now()
				got, took := reader.get("/x"), time.Since(begin)
				if want := map[bool]string{false: "old", true: "new"}[linearizable]; got != want {
					t.Errorf("read %q, want %q", got, want)
				}
				if waited := took >= time.Second; waited != linearizable {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// One round to the leader answers all reads that wait, in the order of each
// connection, behind its writes and before them.
func TestLinearizableReadsShareARoundAndKeepTheirOrder(t *testing.T) {
	inTrio(t, func(cfg *Config) { cfg.LinearizableReads = true }, func(r *trio) {
		const clients, rounds = 20, 50
		a, _ := r.followers()
		r.guest(a, time.Minute).create("/x", 0)
		var guests []*guest
		for range clients {
			guests = append(guests, r.guest(a, time.Minute))
		}
		begin := time.Now()
		for i := range rounds {
			for n, g := range guests {
				path := fmt.Sprintf("/x/%d-%d", n, i)
				g.send(1, wire.OpExists, &wire.PathWatchRequest{Path: path})
				g.send(2, wire.OpCreate, &wire.CreateRequest{Path: path, ACL: []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}}})
				g.send(3, wire.OpExists, &wire.PathWatchRequest{Path: path})
				g.send(4, wire.OpGetChildren, &wire.PathWatchRequest{Path: path})
				g.ping()
			}
			for _, g := range guests {
				for xid, want := range []wire.Code{1: wire.NoNode, 2: wire.OK, 3: wire.OK, 4: wire.OK} {
					if xid == 0 {
						continue
					}
					if h, err := g.next(nil); err != nil || h.Xid != int32(xid) || h.Err != want {
						t.Fatalf("answer to request %d: %+v, %v, want %v", xid, h, err, want)
					}
				}
			}
		}
		if took := time.Since(begin) / rounds; took > 30*time.Millisecond {
			t.Errorf("two reads, a write and two more reads took %v, when the network takes half a millisecond each way", took)
		}
	})
}

// They are answered as syncs are where nobody leads: the client is sent away.
func TestALinearizableReadWithoutALeaderIsNotAnswered(t *testing.T) {
	inTrio(t, func(cfg *Config) { cfg.LinearizableReads, cfg.ReadOnlyMode = true, true }, func(r *trio) {
		a, _ := r.followers()
		g := r.guest(a, 10*time.Second)
		r.cutOff(a)
		g.send(1, wire.OpGetData, &wire.PathWatchRequest{Path: "/"})
		begin := time.Now()
		if h, err := g.next(nil); err == nil {
			t.Fatalf("answered %+v", h)
		}
		if took := time.Since(begin); took > noLeaderTime+time.Second {
			t.Errorf("sent away after %v", took)
		}
		old := &guest{trio: r}
		r.await("a session in read-only mode", func() bool {
			return old.greet(a, wire.ConnectRequest{TimeoutMillis: 10_000, Password: make([]byte, 16), HasReadOnly: true, ReadOnly: true}) == nil
		})
		if !old.exists("/", false) {
			t.Error("who asks for old state is not given it")
		}
	})
}

// What a client that only reads is promised is what a sync promises it.
func TestALinearizableReadSaysThatTheClientLives(t *testing.T) {
	inTrio(t, func(cfg *Config) { cfg.LinearizableReads = true }, func(r *trio) {
		const timeout = 5 * time.Second
		leader := r.leader()
		a, b := r.followers()
		watcher, g := r.guest(b, time.Minute), r.guest(a, timeout)
		g.create("/lock", ephemeral)
		last := time.Now()
		g.exists("/", false)
		r.net.setStuck(true, simStream{a, leader, framesStream})
		begin := time.Now()
		go func() { // ends with the connection
			for {
				sent := time.Now()
				g.send(1, wire.OpExists, &wire.PathWatchRequest{Path: "/"})
				if _, err := g.next(nil); err != nil {
					return
				}
				last = sent
				time.Sleep(timeout / 6)
			}
		}()
		gone := watcher.awaitGone("/lock", time.Minute)
		if lease := last.Add(timeout).Sub(begin); gone < lease {
			t.Errorf("the session ended %v after the stream was stuck, the last read was good until %v", gone, lease)
		}
	})
}

// The leader that was told may not be the one that leads.
func TestOnlyALeaderOfTheTermCountsAsTold(t *testing.T) {
	told := func(terms ...uint64) (parts []*ensemble.Telling) {
		for _, term := range terms {
			parts = append(parts, ensemble.NewTelling(term))
		}
		return parts
	}
	for _, tt := range []struct {
		parts []*ensemble.Telling
		want  bool
	}{{told(7), true}, {told(7, 8), true}, {told(0), false}, {told(6), false}, {told(7, 0, 7), false}} {
		if got := heardIn(7, tt.parts); got != tt.want {
			t.Errorf("heard %v, want %v", got, tt.want)
		}
	}
}

func TestAReportHasArrivedWhenEachPartHas(t *testing.T) {
	p := reporter{term: 7}
	yes, no := ensemble.NewTelling(7), ensemble.NewTelling(0)
	p.add([]*ensemble.Telling{yes, yes}, time.Second)
	p.add([]*ensemble.Telling{no, yes}, 2*time.Second)
	p.arrived()
	if p.since != time.Second || len(p.sent) != 1 {
		t.Errorf("heard up to %v, want 1s", p.since)
	}
	p.add([]*ensemble.Telling{yes}, 3*time.Second) // has all that the one before had
	for range 2 * maxSent {
		p.add([]*ensemble.Telling{no}, 4*time.Second)
	}
	if p.arrived(); p.since != time.Second {
		t.Errorf("heard up to %v by a report that was forgotten", p.since)
	}
	p.add([]*ensemble.Telling{yes}, 5*time.Second)
	if p.arrived(); p.since != 5*time.Second || len(p.sent) != 0 {
		t.Errorf("heard up to %v, want 5s", p.since)
	}
}

// A sync finds out first that the node has ended, but not why.
func TestASyncDoesNotHideWhyTheNodeEnded(t *testing.T) {
	s := &Server{syncs: newSyncs(), member: stoppedMember{}, parted: make(chan struct{}), nodeEnded: make(chan struct{})}
	s.syncs.add(&conn{})
	if err := s.runSyncs(t.Context()); err != nil {
		t.Error(err)
	}
}

type stoppedMember struct{ leads }

func (stoppedMember) ReadIndex(context.Context) error { return ensemble.ErrStopped }
