package coordinator_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// inMemory starts a server and a proxy before it, without sockets, and gives
// the way through the proxy. For synctest bubbles.
func inMemory(t *testing.T) (coordinator.Config, *zktest.Proxy) {
	t.Helper()
	front, back := zktest.NewListener(), zktest.NewListener()
	zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Listener = back })
	return coordinator.Config{SessionTimeout: 10 * time.Second, Dial: front.Dial}, zktest.NewMemoryProxy(t, front, back)
}

// TestConnectThatFailsLeavesNothing: a bubble whose test is over lets nobody wait for
// time to pass.
func TestConnectThatFailsLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, proxy := inMemory(t)
		proxy.SetMode(zktest.Silence)
		cfg.ConnectTimeout = 7 * time.Second
		if _, err := coordinator.Connect(t.Context(), cfg); !errors.Is(err, coordinator.ErrNoServer) {
			t.Error(err)
		}
	})
}

// TestConnectThatIsGivenUpSaysWhatWentWrong, not that the last attempt was ended.
func TestConnectThatIsGivenUpSaysWhatWentWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		refused, dials := errors.New("refused"), 0
		cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			if dials++; dials > 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return nil, refused
		}
		cfg.ConnectTimeout = time.Second
		if _, err := coordinator.Connect(t.Context(), cfg); !errors.Is(err, coordinator.ErrNoServer) || !errors.Is(err, refused) {
			t.Error(err)
		}
	})
}

func TestIdleSessionLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		s := connect(t, cfg)
		time.Sleep(time.Hour)
		if s.Context().Err() != nil {
			t.Fatalf("session lost: %v", context.Cause(s.Context()))
		}
		if left := time.Until(s.Lease()); left < 4*time.Second {
			t.Errorf("the lease has %v left", left)
		}
	})
}

// Silence is noticed at the same moment every time: 0.6 T after the last probe
// that was answered.
func TestLeaseEndsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, proxy := inMemory(t)
		s := connect(t, cfg)
		time.Sleep(time.Minute)
		synctest.Wait()
		lease := s.Lease()
		proxy.SetMode(zktest.Silence)
		<-s.Context().Done()
		if late := time.Since(lease); late != 0 {
			t.Errorf("given up %v after the lease has passed", late)
		}
		if err := context.Cause(s.Context()); !errors.Is(err, coordinator.ErrSessionLost) {
			t.Errorf("cause = %v", err)
		}
	})
}

// A short silence is survived, and a write on its way with it.
func TestShortSilenceIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, proxy := inMemory(t)
		s := connect(t, cfg)
		for range 20 {
			proxy.SetMode(zktest.Silence)
			written := make(chan error)
			go func() {
				_, err := s.Create(t.Context(), "/tasks/task-", nil, coordinator.Sequential)
				written <- err
			}()
			time.Sleep(4 * time.Second)
			proxy.SetMode(zktest.Pass)
			if err := <-written; err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
		}
		if s.Context().Err() != nil {
			t.Errorf("session lost: %v", context.Cause(s.Context()))
		}
	})
}

// Two of five servers hang, as machines do that swap themselves to death: a session
// with one of them is not lost when it comes to the other next.
func TestTwoHangingServersAreLeftInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := zktest.NewListener()
		zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Listener = back })
		cfg := coordinator.Config{SessionTimeout: 10 * time.Second}
		fronts, proxies := make(map[string]*zktest.Listener), []*zktest.Proxy(nil)
		for _, addr := range []string{"a:1", "b:1", "c:1", "d:1", "e:1"} {
			fronts[addr] = zktest.NewListener()
			proxies = append(proxies, zktest.NewMemoryProxy(t, fronts[addr], back))
			cfg.Servers = append(cfg.Servers, addr)
		}
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return fronts[addr].Dial(ctx, network, addr)
		}
		for n := range 30 {
			s := connect(t, cfg)
			at := slices.IndexFunc(proxies, func(p *zktest.Proxy) bool { return p.Conns() > 0 })
			hanging := []*zktest.Proxy{proxies[at], proxies[(at+1+n%4)%5]}
			time.Sleep(time.Duration(n) * 100 * time.Millisecond)
			for _, p := range hanging {
				p.SetMode(zktest.Silence)
			}
			time.Sleep(cfg.SessionTimeout)
			if s.Context().Err() != nil {
				t.Fatalf("session lost: %v", context.Cause(s.Context()))
			}
			began := time.Now()
			connect(t, cfg).Close()
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("a session was opened after %v", took)
			}
			for _, p := range hanging {
				p.SetMode(zktest.Pass)
			}
			must(t, s.Close())
			time.Sleep(time.Minute)
		}
	})
}

// What does not change is read again once a minute or so, not more.
func TestFollowersResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		s := connect(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		n := 0
		for range s.FollowChildren(ctx, "/tasks") {
			n++
		}
		if n < 40 || n > 120 {
			t.Errorf("%d states in an hour of quiet", n)
		}
	})
}

func TestCloseIsSoonOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		s := connect(t, cfg)
		began := time.Now()
		must(t, s.Close())
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("Close took %v", took)
		}
	})
}

func TestCloseWithoutAnAnswerTakesASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, proxy := inMemory(t)
		s := connect(t, cfg)
		proxy.SetMode(zktest.Silence)
		began := time.Now()
		if err := s.Close(); !errors.Is(err, coordinator.ErrUnknownOutcome) {
			t.Errorf("Close = %v, want ErrUnknownOutcome", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Close took %v", took)
		}
	})
}

func TestStandbyTakesOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		one, two := connect(t, cfg), connect(t, cfg)
		must(t, one.EnsureTree(t.Context()))
		term := elect(t, one, "m1:1")
		standby := campaign(two, "m2:1")
		time.Sleep(time.Second)
		began := time.Now()
		must(t, term.Resign(t.Context()))
		<-standby
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("the standby took over after %v", took)
		}
	})
}
