package zkserver

import (
	"testing"
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
				if !g.sync() {
					t.Fatal("no answer")
				}
				last := time.Now()
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
