package coordinator_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// patterns are contenders for a lock, candidates for master and members of a group
// at work over an ensemble. They keep what each promises.
type patterns struct {
	t      *testing.T
	locked atomic.Int64 // how often
	led    atomic.Int64
	inside atomic.Int32 // holders of the lock
	fence  atomic.Int64 // the greatest seen
	term   atomic.Int32
}

// contend takes the lock again and again until ctx ends.
func (p *patterns) contend(ctx context.Context, s *coordinator.Session) {
	for ctx.Err() == nil {
		lock, err := s.Lock(ctx, "/locks/a")
		if err != nil {
			p.unlessOver(ctx, err)
			return
		}
		if p.inside.Add(1) != 1 {
			p.t.Error("two hold the lock")
		}
		if before := p.fence.Swap(lock.Fence()); before >= lock.Fence() {
			p.t.Errorf("fence %d after %d", lock.Fence(), before)
		}
		p.locked.Add(1)
		held := lock.Held()
		p.inside.Add(-1)
		if err := lock.Unlock(context.WithoutCancel(ctx)); err != nil || !held {
			p.t.Errorf("unlock = %v; held before: %v", err, held)
		}
	}
}

// campaign leads again and again until ctx ends.
func (p *patterns) campaign(ctx context.Context, s *coordinator.Session) {
	for ctx.Err() == nil {
		term, err := s.Campaign(ctx, "m:1")
		if err != nil {
			p.unlessOver(ctx, err)
			return
		}
		if before := p.term.Swap(term.Number()); before >= term.Number() {
			p.t.Errorf("term %d after %d", term.Number(), before)
		}
		p.led.Add(1)
		if err := term.Resign(context.WithoutCancel(ctx)); err != nil {
			p.t.Errorf("resign: %v", err)
		}
	}
}

func (p *patterns) unlessOver(ctx context.Context, err error) {
	if !errors.Is(err, context.Canceled) || ctx.Err() == nil {
		p.t.Error(err)
	}
}

// Any server may stop, the leader too: holders go on holding, whoever waits gets
// his turn, and nobody is missing from the group.
func TestPatternsHoldOverAnEnsemble(t *testing.T) {
	e := zktest.NewEnsemble(t, 3)
	cfg := coordinator.Config{Servers: e.Addrs(), SessionTimeout: long, ConnectTimeout: time.Minute}
	e.Leader()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p := &patterns{t: t}
	var wg sync.WaitGroup
	for range 4 {
		s := connect(t, cfg)
		wg.Go(func() { p.contend(ctx, s) })
	}
	for range 2 {
		s := connect(t, cfg)
		wg.Go(func() { p.campaign(ctx, s) })
	}
	s, other := connect(t, cfg), connect(t, cfg)
	kept, err := s.Lock(ctx, "/locks/kept")
	must(t, err)
	for _, data := range []string{"a:1", "b:1"} {
		_, err := s.Join(ctx, "/servers", []byte(data))
		must(t, err)
	}
	members := other.FollowMembers(ctx, "/servers")
	awaitMembers(t, members, "a:1", "b:1")

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 5 {
		victim := e.Servers()[rng.IntN(3)]
		if rng.IntN(2) == 0 {
			victim = e.Leader()
		}
		victim.Stop()
		locked, led := p.locked.Load(), p.led.Load()
		for end := time.Now().Add(time.Minute); p.locked.Load() < locked+20 || p.led.Load() < led+5; <-time.After(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("without one of three servers %d locks and %d terms in a minute", p.locked.Load()-locked, p.led.Load()-led)
			}
		}
		victim.Restart()
		e.Leader()
	}
	stop()
	wg.Wait()
	if !kept.Held() {
		t.Errorf("the lock of a session that lives: %v", context.Cause(kept.Context()))
	}
	if _, err := other.Acquire(t.Context(), coordinator.LockRequest{Path: "/locks/kept", NoWait: true}); !errors.Is(err, coordinator.ErrLockHeld) {
		t.Errorf("the lock of a session that lives is had by another: %v", err)
	}
	awaitMembers(t, other.FollowMembers(within(t, 10*time.Second), "/servers"), "a:1", "b:1")
	t.Logf("%d locks, %d terms", p.locked.Load(), p.led.Load())
}
