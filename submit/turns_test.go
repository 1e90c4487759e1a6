package submit

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurnsAreBoundedAndOthersLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(2)
		for range 2 {
			if !turns.take(t.Context()) {
				t.Fatal("no watch though two are free")
			}
		}
		start := time.Now()
		if turns.take(t.Context()) {
			t.Fatal("got a third watch of two")
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("time to look came after %v, want 1s", got)
		}
		turns.give()
		if !turns.take(t.Context()) {
			t.Error("no watch though one was given back")
		}
	})
}

func TestTurnsGoToWhoWaitedLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		turns.take(t.Context())
		var first, second atomic.Bool
		go func() { first.Store(turns.take(t.Context())) }()
		synctest.Wait()
		go func() { second.Store(turns.take(t.Context())) }()
		synctest.Wait()
		turns.give()
		synctest.Wait()
		if !first.Load() || second.Load() {
			t.Errorf("got a watch: first %v, second %v, want true, false", first.Load(), second.Load())
		}
	})
}

func TestTakeEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		turns.take(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if turns.take(ctx) {
			t.Error("got a watch that was taken")
		}
	})
}

func TestManyHandlesLookSeldom(t *testing.T) {
	for n, want := range map[int64]time.Duration{1: time.Second, 1000: time.Second, 50_000: 50 * time.Second} {
		if got := lookInterval(n); got != want {
			t.Errorf("lookInterval(%d) = %v, want %v", n, got, want)
		}
	}
}
