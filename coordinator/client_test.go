package coordinator_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestClientConnectsOnceAndAgain(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	client := coordinator.NewClient(v.via(proxy).brief())
	defer client.Close()

	var wg sync.WaitGroup
	ids := make([]int64, 8)
	for i := range ids {
		wg.Go(func() {
			s, err := client.Session(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("sessions = %x, want one", ids)
		}
	}
	s, err := client.Session(t.Context())
	must(t, err)
	proxy.SetMode(zktest.Silence)
	_ = ended(t, s.Context())
	if _, err := client.Session(within(t, 100*time.Millisecond)); !errors.Is(err, coordinator.ErrNoServer) {
		t.Errorf("without a server = %v, want ErrNoServer", err)
	}
	proxy.SetMode(zktest.Pass)
	again, err := client.Session(within(t, 5*time.Second))
	if err != nil || again.ID() == s.ID() {
		t.Errorf("after the loss: %v", err)
	}
	must(t, client.Close())
	if _, err := client.Session(t.Context()); !errors.Is(err, coordinator.ErrClosed) {
		t.Errorf("after Close = %v, want ErrClosed", err)
	}
}

func TestKeepStartsOverWhenTheSessionIsLost(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	var ids []int64
	err := coordinator.Keep(t.Context(), v.via(proxy).brief(), func(ctx context.Context, s *coordinator.Session) error {
		ids = append(ids, s.ID())
		if len(ids) == 3 {
			return errors.New("enough")
		}
		proxy.SetMode(zktest.Silence)
		<-ctx.Done()
		proxy.SetMode(zktest.Pass)
		if cause := context.Cause(ctx); !errors.Is(cause, coordinator.ErrSessionLost) {
			t.Errorf("cause = %v, want ErrSessionLost", cause)
		}
		return context.Cause(ctx)
	})
	if err == nil || err.Error() != "enough" || ids[0] == ids[1] || ids[1] == ids[2] {
		t.Errorf("Keep = %v after sessions %x", err, ids)
	}
}

func TestKeepEndsWithItsContext(t *testing.T) {
	v := newService(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	err := coordinator.Keep(ctx, v.config(), func(ctx context.Context, s *coordinator.Session) error {
		cancel(stop)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, stop) {
		t.Errorf("Keep = %v, want the cause", err)
	}
	cfg := coordinator.Config{Servers: []string{closedPort(t)}, ConnectTimeout: 100 * time.Millisecond}
	if err := coordinator.Keep(t.Context(), cfg, nil); !errors.Is(err, coordinator.ErrNoServer) {
		t.Errorf("Keep without a server = %v, want ErrNoServer", err)
	}
}
