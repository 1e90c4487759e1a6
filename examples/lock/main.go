// Command lock shows a lock that ten contenders want at once, each with a session
// of its own, as if they were on ten machines.
//
// Each makes an ephemeral sequential znode under the lock's path. The lowest
// number holds the lock; every other one watches the number before its own, and
// nothing else. So a release wakes one contender and not nine (there is no herd),
// the lock is served in the order they came, and it is free again when its holder
// dies, for the znode is ephemeral.
//
//	go run ./examples/lock
//	go run ./examples/lock -servers 127.0.0.1:2181     on yours
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/examples/service"
	"golang.org/x/sync/errgroup"
)

const (
	path       = "/examples/lock"
	contenders = 10
)

func main() {
	servers := flag.String("servers", "", "use the service at `HOST:PORT,…` (default: one of our own)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := demo(ctx, os.Stdout, *servers); err != nil {
		fmt.Fprintln(os.Stderr, "lock:", err)
		os.Exit(1)
	}
}

// demo takes the lock first, lets the contenders queue up one after the other,
// and then lets go.
func demo(ctx context.Context, out io.Writer, servers string) error {
	cfg, stop, err := service.Open(servers)
	if err != nil {
		return err
	}
	defer stop()
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	first, err := s.Lock(ctx, path)
	if err != nil {
		return err
	}

	following, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := s.FollowChildren(following, path)
	g, ctx := errgroup.WithContext(ctx)
	for n := 1; n <= contenders; n++ {
		g.Go(func() error { return contend(ctx, out, cfg, n) })
		if err := awaitLength(ctx, queue, n+1); err != nil {
			return err
		}
		fmt.Fprintf(out, "contender %2d is in the queue\n", n)
	}
	if err := first.Unlock(ctx); err != nil {
		return err
	}
	return g.Wait()
}

// contend is what a program does that needs the lock.
func contend(ctx context.Context, out io.Writer, cfg coordinator.Config, n int) error {
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	lock, err := s.Lock(ctx, path) // waits for its turn
	if err != nil {
		return err
	}

	// What follows must end with lock.Context(), and hand lock.Fence() to whatever
	// it changes: a program that was paused and woke too late is refused there.
	fmt.Fprintf(out, "contender %2d holds the lock, with fence %d\n", n, lock.Fence())
	select {
	case <-time.After(20 * time.Millisecond): // the work
	case <-lock.Context().Done():
		return context.Cause(lock.Context())
	}
	return lock.Unlock(ctx)
}

// awaitLength waits until so many are in the queue.
func awaitLength(ctx context.Context, queue <-chan coordinator.Children, n int) error {
	for {
		select {
		case state, ok := <-queue:
			switch {
			case !ok:
				return coordinator.ErrSessionLost
			case len(state.Names) == n:
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
