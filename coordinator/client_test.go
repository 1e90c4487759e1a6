package coordinator_test

import (
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
