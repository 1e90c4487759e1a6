package coordinator

import (
	"testing"
	"testing/synctest"
	"time"
)

// Listings for deletions take a twentieth of the time, however long one takes. A
// name that may be new does not wait for that.
func TestListingsArePaced(t *testing.T) {
	const cost = 200 * time.Millisecond
	fires := make(chan struct{})
	at := func(creations uint32, deletions int) Stat { return statAfter(1, creations, deletions) }
	tests := []struct {
		name  string
		any   <-chan struct{}
		cost  time.Duration
		stat  Stat // 1000 were listed
		n     int  // of the numbers since then
		found int
		want  time.Duration
	}{
		{"deletion", fires, cost, at(1000, 1), 0, 0, listFactor * cost},
		{"deletion and tasks", fires, cost, at(1003, 1), 3, 3, listFactor * cost},
		{"deletion, cheap listing", fires, time.Millisecond, at(1000, 1), 0, 0, minRelist},
		{"to set a watch", nil, cost, at(1000, 0), 0, 0, listFactor * cost},
		{"to set a watch, cheap listing", nil, time.Millisecond, at(1000, 0), 0, 0, quietTime},
		{"name by hand", fires, cost, at(1003, 0), 3, 2, maxRelist},
		{"name by hand and deletion", fires, cost, at(1003, 1), 3, 2, maxRelist},
		{"name by hand, cheap listing", fires, time.Millisecond, at(1003, 0), 3, 2, minRelist},
		{"nothing", fires, cost, at(1000, 0), 0, 0, 2 * resyncEvery},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			q := &sequence{cost: tt.cost, listed: began, news: began, vain: quietLooks, any: tt.any, ahead: fires}
			q.tally.listed(at(1000, 0), 1000, 1000)
			q.tally.looked(tt.stat, tt.n, tt.found, true)
			due := false
			for wake := time.Duration(0); !due && time.Since(began) < 2*resyncEvery; time.Sleep(wake) {
				wake, due = q.pause()
			}
			if took := time.Since(began); took != tt.want {
				t.Errorf("%s: listed again after %v, want %v", tt.name, took, tt.want)
			}
		})
	}
}

// Watches for numbers that other names took stay: there are not many of them,
// and without them the directory is looked at now and then.
func TestStrayWatchesAreFew(t *testing.T) {
	q := &sequence{listed: time.Now(), vain: quietLooks, any: make(chan struct{})}
	for n := 0; !q.strayed(); n++ {
		if n > 1000 {
			t.Fatal("a thousand stray watches are not too many")
		}
		q.ahead, q.await = make(chan struct{}), q.tally.next
		q.tally.looked(statAfter(0, uint32(n+1), 0), 1, 0, true)
		q.told = true // no new one yet
		if err := q.watchAhead(t.Context()); err != nil || q.ahead != nil {
			t.Fatalf("a watch for a number that was passed over is kept, or %v", err)
		}
	}
	q.told, q.tally.odd, q.tally.dirty = false, false, false
	if err := q.watchAhead(t.Context()); err != nil || q.ahead != nil {
		t.Fatalf("one more watch is set, or %v", err)
	}
	if wake, due := q.pause(); wake != lookEvery || due {
		t.Errorf("looks every %v, listing due: %v", wake, due)
	}
}
