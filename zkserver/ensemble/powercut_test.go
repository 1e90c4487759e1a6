package ensemble_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run the power cuts of this seed only")
	seedsFlag = flag.Uint64("seeds", 40, "run the power cuts of this many seeds")
)

// liveAndDie runs a node again and again on a disk that fails at some call,
// with proposers that wait for each command. Whatever the machine was shown,
// and so could have been acknowledged, it must be shown again after the
// restart, in the same order.
func liveAndDie(seed uint64, inject func(op waltest.Op, name string) error) error {
	rng := rand.New(rand.NewPCG(seed, 2))
	disk := waltest.New(seed)
	var acknowledged []string
	for life := range 6 {
		left := 5 + rng.IntN(150)
		if life == 5 {
			left = 1 << 30 // the last life only looks
		}
		var mu sync.Mutex
		disk.Inject(func(op waltest.Op, name string) error {
			mu.Lock()
			defer mu.Unlock()
			if left--; left < 0 {
				return waltest.ErrPowerCut
			}
			return inject(op, name)
		})
		applied, err := oneLife(disk, life, acknowledged)
		if err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		acknowledged = applied
		if rng.IntN(4) == 0 {
			disk = disk.Kill()
		} else {
			disk = disk.PowerCut()
		}
	}
	return nil
}

// oneLife runs a node until its disk fails, or for a while, and gives what was
// applied.
func oneLife(disk *waltest.Disk, life int, acknowledged []string) ([]string, error) {
	m := newMachine()
	cfg := often(disk)
	cfg.Machine = m
	n, err := ensemble.Open(cfg)
	if errors.Is(err, waltest.ErrPowerCut) {
		return acknowledged, nil
	}
	if err != nil {
		return nil, err
	}
	defer n.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	failed := make(chan error, 1)
	wg.Go(func() {
		failed <- n.Run(ctx)
		cancel()
	})
	select {
	case <-n.Ready():
	case <-ctx.Done():
		return acknowledged, diskFailure(<-failed)
	}
	if got := m.list(); len(got) < len(acknowledged) || !slices.Equal(got[:len(acknowledged)], acknowledged) {
		return nil, fmt.Errorf("after restart: %d commands, %d were acknowledged: %q, want %q", len(got), len(acknowledged), got, acknowledged)
	}
	if sorted := slices.Sorted(slices.Values(m.list())); len(slices.Compact(sorted)) < len(m.list()) {
		return nil, fmt.Errorf("after restart: a command was applied twice: %q", m.list())
	}
	var proposers sync.WaitGroup
	for p := range 3 {
		proposers.Go(func() {
			for i := range 40 {
				c := fmt.Sprintf("life %d proposer %d command %d", life, p, i)
				if n.Propose(ctx, 1, []byte(c)) != nil || m.waitFor(ctx, c) != nil {
					return
				}
			}
		})
	}
	proposers.Wait()
	if ctx.Err() != nil {
		return m.list(), diskFailure(<-failed)
	}
	return m.list(), nil
}

// diskFailure takes away the error of a Run that ended because the disk did.
func diskFailure(err error) error {
	if errors.Is(err, ensemble.ErrDisk) && errors.Is(err, waltest.ErrPowerCut) {
		return nil
	}
	return err
}

func TestRestartLosesNothingAcknowledged(t *testing.T) {
	first, count := uint64(1), *seedsFlag
	if *seedFlag != 0 {
		first, count = *seedFlag, 1
	}
	for seed := first; seed < first+count; seed++ {
		synctest.Test(t, func(t *testing.T) {
			if err := liveAndDie(seed, func(waltest.Op, string) error { return nil }); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}

// The test above must be able to fail: a log that says "on disk" too early, if
// only now and then, must be noticed by some seed.
func TestRestartNoticesASkippedSync(t *testing.T) {
	for _, every := range []int{1, 3, 10} {
		t.Run(fmt.Sprintf("every %d", every), func(t *testing.T) {
			for seed := range uint64(100) {
				count := 0
				var err error
				synctest.Test(t, func(t *testing.T) {
					err = liveAndDie(seed, func(op waltest.Op, name string) error {
						if op != waltest.OpSync {
							return nil
						}
						if count++; count%every == 0 {
							return waltest.ErrLie
						}
						return nil
					})
				})
				if err != nil {
					t.Logf("seed %d: %.200v", seed, err)
					return
				}
			}
			t.Error("not noticed")
		})
	}
}
