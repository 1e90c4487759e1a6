package coordinator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// Session timeouts. One that a test waits for is the shortest the server
// grants: the session is given up after 0.6 s of silence, which on a busy machine
// may also come about by itself. All others are long.
const (
	timeout = time.Second
	long    = 20 * time.Second
)

// leeway is how much longer than it should anything may take by the wall clock: a
// busy machine breaks no promise of ours. What is promised exactly is tested in
// virtual time.
const leeway = 5 * time.Second

// A service is where a test's sessions connect: a server of its own or, with
// MW_TEST_ZOOKEEPER=host:port, an Apache ZooKeeper with tickTime=500, in a chroot
// of its own.
type service struct{ addr, chroot string }

func newService(t testing.TB) service {
	t.Helper()
	if addr := os.Getenv("MW_TEST_ZOOKEEPER"); addr != "" {
		return service{addr, fmt.Sprintf("/mw-test-%x", rand.Uint64())}
	}
	return service{addr: zktest.NewServer(t).Addr()}
}

// via is the same service behind a proxy.
func (v service) via(p *zktest.Proxy) service { return service{p.Addr(), v.chroot} }

func (v service) config() coordinator.Config {
	return coordinator.Config{
		Servers: []string{v.addr}, Chroot: v.chroot, SessionTimeout: long, ConnectTimeout: 10 * time.Second,
	}
}

func (v service) brief() coordinator.Config {
	cfg := v.config()
	cfg.SessionTimeout = timeout
	return cfg
}

// connectBriefly opens a session that is lost soon when nothing is heard.
func (v service) connectBriefly(t testing.TB) *coordinator.Session {
	t.Helper()
	return connect(t, v.brief())
}

// connect opens a session, with the tree in place, that closes with the test.
func (v service) connect(t testing.TB) *coordinator.Session {
	t.Helper()
	return connect(t, v.config())
}

func connect(t testing.TB, cfg coordinator.Config) *coordinator.Session {
	t.Helper()
	s, err := coordinator.Connect(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.EnsureTree(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// within gives a context that a test's waiting must not outlast.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// ended waits for the end of ctx and returns its cause.
func ended(t testing.TB, ctx context.Context) error {
	t.Helper()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(10 * time.Second):
		t.Fatal("context has not ended")
		return nil
	}
}

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// create makes a znode.
func create(t testing.TB, s *coordinator.Session, path string, mode coordinator.Mode) string {
	t.Helper()
	made, err := s.Create(within(t, 5*time.Second), path, []byte("data"), mode)
	must(t, err)
	return made
}

// exists says whether a znode exists, as of now.
func exists(t testing.TB, s *coordinator.Session, path string) bool {
	t.Helper()
	ctx := within(t, 5*time.Second)
	must(t, s.Sync(ctx, path))
	_, exists, err := s.Exists(ctx, path)
	must(t, err)
	return exists
}
