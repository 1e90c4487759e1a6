package coordinator

import (
	"errors"
	"testing"
	"time"
)

func TestLease(t *testing.T) {
	start := time.Now()
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	l := lease{timeout: 6 * time.Second, until: at(3.6)}

	if !l.due(at(0)) {
		t.Fatal("the first probe is not due at once")
	}
	l.probing(at(0))
	if l.due(at(2)) {
		t.Error("a second probe is due while one is out")
	}
	if l.silent(at(1.4)) || !l.silent(at(1.5)) || l.silent(at(1.6)) {
		t.Error("silence is not told once, after a quarter of the timeout")
	}

	// The lease counts from the sending, not from the answer.
	l.answered(at(2), nil)
	if l.until != at(3.6) {
		t.Errorf("until = %v after the start, want 3.6s", l.until.Sub(start))
	}
	if !l.due(at(2)) {
		t.Error("no probe is due though the last was sent more than a sixth of the timeout ago")
	}

	// A lost answer renews nothing and is tried again soon.
	l.probing(at(2))
	l.answered(at(2.1), errors.New("lost"))
	if l.until != at(3.6) || l.due(at(2.2)) || !l.due(at(2.4)) {
		t.Errorf("after a lost answer: until = %v, next = %v after the start", l.until.Sub(start), l.next.Sub(start))
	}
	if l.over(at(3.59)) || !l.over(at(3.6)) {
		t.Error("the lease is not over exactly when it passes")
	}
}

// Whatever happens, the loop wakes no later than the lease passes, and not
// before there is something to do.
func TestLeaseWake(t *testing.T) {
	start := time.Now()
	l := lease{timeout: 6 * time.Second, until: start.Add(3600 * time.Millisecond), next: start}
	now := start
	for range 100 {
		at := l.wake()
		if at.After(l.until) {
			t.Fatalf("wakes %v after the lease has passed", at.Sub(l.until))
		}
		now = at
		switch {
		case l.over(now):
			return
		case l.due(now):
			l.probing(now)
		case l.silent(now):
		default:
			t.Fatalf("woke at %v for nothing", now.Sub(start))
		}
	}
	t.Fatal("the lease never passed")
}
