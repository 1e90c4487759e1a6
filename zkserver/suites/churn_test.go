package suites

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/mwtest"
	"github.com/mwqueue/mw/zkserver/reference"
)

// A service is an ensemble whose members are killed and started again, one at a
// time.
type service interface {
	connect() string
	restart(member int, down time.Duration) // kill -9, and a start when it was down so long
}

const servers = 3

// oursOfThree is three processes of ours.
type oursOfThree struct {
	t *testing.T
	*mwtest.Cluster
}

func startOurs(t *testing.T) service {
	t.Helper()
	c, err := mwtest.Start(mwtest.Config{Dir: t.TempDir(), Members: servers,
		ServerFlags: []string{"--words", "*", "--set", "maxSessionTimeout=600000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return oursOfThree{t, c}
}

func (s oursOfThree) connect() string { return s.Servers() }

func (s oursOfThree) restart(member int, down time.Duration) {
	m := s.Members()[member]
	if err := m.Kill(); err != nil {
		s.t.Error(err)
	}
	time.Sleep(down) // a real process: real time
	if err := m.Start(); err != nil {
		s.t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.AwaitServer(ctx); err != nil {
		s.t.Error(err)
	}
}

// apacheOfThree is three Apache ZooKeepers.
type apacheOfThree struct{ *reference.Ensemble }

func startApache(t *testing.T) service {
	t.Helper()
	return apacheOfThree{reference.StartEnsemble(t, servers)}
}

func (s apacheOfThree) connect() string { return s.Connect() }

func (s apacheOfThree) restart(member int, down time.Duration) {
	s.Servers[member].Kill()
	time.Sleep(down)
	s.Servers[member].Restart()
}

// churn restarts one member after the other until stop is called, which returns
// when all of them run.
func churn(s service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(2*time.Second + rand.N(4*time.Second)):
				s.restart(rand.IntN(servers), rand.N(time.Second))
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}
