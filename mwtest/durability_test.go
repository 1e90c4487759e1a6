package mwtest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
)

var kills = flag.Int("kills", 100, "how often TestAcknowledgedCreatesSurviveKill kills the server")

// The server is killed with SIGKILL in the middle of creates, again and again:
// each acknowledged create is there after the restart, and none twice.
func TestAcknowledgedCreatesSurviveKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute; not tested: kill -9 of the server under load")
	}
	c := startCluster(t, mwtest.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := openSession(t, c)
	must(s.Create(ctx, "/load", nil, coordinator.Persistent))(t)

	l := &load{acked: make(map[string]string)}
	defer l.closing.Wait()
	for round := range *kills {
		l.create(ctx, t, c, round)
		if err := c.Server().Start(); err != nil {
			t.Fatal(err)
		}
		if err := c.AwaitServer(ctx); err != nil {
			t.Fatal(err)
		}
	}
	l.verify(ctx, t, openSession(t, c))
}

// A load is many sequential creates with unique data, and what the server
// said of them.
type load struct {
	closing sync.WaitGroup // sessions of killed servers that are being closed

	mu    sync.Mutex        // protects the fields below
	acked map[string]string // data → path as acknowledged
	sent  int
}

// create lets 16 creators run until the server is killed under them.
func (l *load) create(ctx context.Context, t *testing.T, c *mwtest.Cluster, round int) {
	t.Helper()
	s, err := coordinator.Connect(ctx, coordinatorConfig(c))
	if err != nil {
		t.Fatal(err)
	}
	// Closing waits for a server that is gone: beside the next round.
	defer func() { l.closing.Go(func() { s.Close() }) }()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for creator := range 16 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				data := fmt.Sprintf("%d/%d/%d", round, creator, i)
				path, err := s.Create(ctx, "/load/n-", []byte(data), coordinator.Sequential)
				l.note(data, path, err)
				if err != nil {
					return // killed; a second try could rightly make a second znode
				}
			}
		})
	}
	select {
	case <-ctx.Done():
	case <-time.After(rand.N(150 * time.Millisecond)):
	}
	if err := c.Server().Kill(); err != nil {
		t.Error(err)
	}
	stop()
	wg.Wait()
}

func (l *load) note(data, path string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if err == nil {
		l.acked[data] = path
	}
}

// verify reads everything back.
func (l *load) verify(ctx context.Context, t *testing.T, s *coordinator.Session) {
	t.Helper()
	names, _, err := s.Children(ctx, "/load")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string, len(names))
	for _, name := range names {
		path := "/load/" + name
		data, _, err := s.Get(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := found[string(data)]; twice {
			t.Errorf("%q was created twice: %s and %s", data, other, path)
		}
		found[string(data)] = path
	}
	for data, path := range l.acked {
		if found[data] != path {
			t.Errorf("%s was acknowledged for %q and is not there", path, data)
		}
	}
	if len(l.acked) < *kills {
		t.Error(errors.New("too few creates between kills to mean anything"))
	}
	t.Logf("%d kills, %d creates sent, %d acknowledged, %d found", *kills, l.sent, len(l.acked), len(found))
}
