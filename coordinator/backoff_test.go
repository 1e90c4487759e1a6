package coordinator_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

func TestPausesGrowToALimit(t *testing.T) {
	b := coordinator.Backoff{First: 10 * time.Millisecond, Most: 50 * time.Millisecond}
	about := func(want time.Duration) {
		t.Helper()
		if got := b.Next(); got < want/2 || got > want*3/2 {
			t.Errorf("pause of %v, want %v ± 50 %%", got, want)
		}
	}
	for _, ms := range []time.Duration{10, 20, 40, 50, 50} {
		about(ms * time.Millisecond)
	}
	b.Reset()
	about(10 * time.Millisecond)
}

func TestBackoffEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var b coordinator.Backoff
		began := time.Now()
		for b.Wait(ctx) == nil {
		}
		if took := time.Since(began); took != time.Second || !errors.Is(b.Wait(ctx), context.DeadlineExceeded) {
			t.Errorf("waited %v", took)
		}
	})
}
