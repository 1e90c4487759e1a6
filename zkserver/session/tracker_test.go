package session

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

func expired(k *Tracker, now time.Time) []ID { return slices.Collect(k.Expired(now)) }

// TestASilentSessionExpires tells the tracker's story from top to bottom.
func TestASilentSessionExpires(t *testing.T) {
	k := NewTracker()
	k.Add(1, 5*time.Second, at(0))
	k.Add(2, 10*time.Second, at(0))
	expect := func(what string, now time.Time, want ...ID) {
		t.Helper()
		if got := expired(k, now); !slices.Equal(got, want) {
			t.Errorf("%s: expired = %v, want %v", what, got, want)
		}
	}
	next := func(what string, want time.Time) {
		t.Helper()
		if got, ok := k.Next(); !ok || !got.Equal(want) {
			t.Errorf("%s: next = %v %v, want %v", what, got, ok, want)
		}
	}
	next("at first", at(5))
	expect("just before the deadline", at(4.999))
	k.Touch(1, at(4))
	next("heard from", at(9))
	expect("at the old deadline", at(5))
	k.Touch(1, at(3))
	expect("heard of an earlier sign of life", at(8.999))
	expect("at the deadline", at(9), 1)
	expect("still", at(9.5), 1)
	next("while one is overdue", at(10))
	expect("both, the longest overdue first", at(11), 1, 2)
	if !k.Touch(1, at(8)) {
		t.Error("an overdue session is not tracked")
	}
	expect("heard from in time after all", at(12), 2)
	next("heard from in time after all", at(13))
	k.Remove(2)
	expect("removed", at(12))
	k.Add(1, 20*time.Second, at(12))
	next("added anew", at(32))
	k.Remove(1)
	if _, ok := k.Next(); ok || k.Len() != 0 || k.Touch(1, at(12)) {
		t.Error("a removed session is tracked")
	}
}

// TestRegrant: whoever could not be heard gets the full time.
func TestRegrant(t *testing.T) {
	k := NewTracker()
	k.Add(1, 5*time.Second, at(0))
	k.Add(2, 10*time.Second, at(0))
	k.Touch(2, at(5))
	if got := expired(k, at(6)); !slices.Equal(got, []ID{1}) {
		t.Errorf("expired = %v", got)
	}
	k.RegrantAll(at(100))
	if got := expired(k, at(104)); got != nil {
		t.Errorf("expired after the regrant = %v", got)
	}
	if got := expired(k, at(110)); !slices.Equal(got, []ID{1, 2}) {
		t.Errorf("expired = %v, want both", got)
	}
}

// TestChangeWhileRanging: closing a session while its like are yielded.
func TestChangeWhileRanging(t *testing.T) {
	k := NewTracker()
	for id := range ID(10) {
		k.Add(id, time.Second, at(0))
	}
	n := 0
	for id := range k.Expired(at(1)) {
		n++
		if id%2 == 0 {
			k.Remove(id)
		} else {
			k.Touch(id, at(1))
		}
	}
	if n != 10 || k.Len() != 5 || expired(k, at(1)) != nil {
		t.Errorf("yielded %d, left %d", n, k.Len())
	}
}

// TestTrackerIsLikeTheModel compares with a map of deadlines.
func TestTrackerIsLikeTheModel(t *testing.T) {
	type life struct {
		timeout  time.Duration
		deadline time.Time
	}
	rapid.Check(t, func(t *rapid.T) {
		k, m := NewTracker(), map[ID]life{}
		now := epoch
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			id := ID(rapid.IntRange(1, 12).Draw(t, "id"))
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1:
				timeout := time.Duration(rapid.IntRange(1, 10).Draw(t, "timeout")) * time.Second
				k.Add(id, timeout, now)
				m[id] = life{timeout, now.Add(timeout)}
			case 2:
				k.Remove(id)
				delete(m, id)
			case 3:
				k.RegrantAll(now)
				for id, l := range m {
					m[id] = life{l.timeout, now.Add(l.timeout)}
				}
			default:
				heard := now.Add(-time.Duration(rapid.IntRange(0, 1500).Draw(t, "ago")) * time.Millisecond)
				l, ok := m[id]
				if k.Touch(id, heard) != ok {
					t.Fatalf("touch %d: tracked should be %v", id, ok)
				}
				if d := heard.Add(l.timeout); ok && d.After(l.deadline) {
					m[id] = life{l.timeout, d}
				}
			}
			var next time.Time
			var want []ID
			for _, id := range slices.Sorted(maps.Keys(m)) {
				switch d := m[id].deadline; {
				case !d.After(now):
					want = append(want, id)
				case next.IsZero() || d.Before(next):
					next = d
				}
			}
			if got := expired(k, now); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
				t.Fatalf("expired = %v, want %v", got, want)
			}
			if got, ok := k.Next(); ok == next.IsZero() || ok && !got.Equal(next) {
				t.Fatalf("next = %v %v, want %v", got, ok, next)
			}
		}
	})
}

// BenchmarkTouch is 100,000 sessions heard from in turn, with a look at who is
// overdue for every 1,000.
func BenchmarkTouch(b *testing.B) {
	const n = 100_000
	k := NewTracker()
	now := epoch
	for id := range ID(n) {
		k.Add(id, 10*time.Second, now)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		now = now.Add(30 * time.Microsecond) // each every 3 s
		k.Touch(ID(i%n), now)
		if i%1000 == 0 {
			for id := range k.Expired(now) {
				b.Fatal("expired", id)
			}
		}
	}
}

func BenchmarkRegrantAll(b *testing.B) {
	k := NewTracker()
	for id := range ID(100_000) {
		k.Add(id, 10*time.Second, epoch)
	}
	for b.Loop() {
		k.RegrantAll(epoch)
	}
}
