// Command failover shows a failover controller: what keeps one of several
// services active and the others in standby, as HDFS does with its NameNodes.
//
// A controller runs beside each service. While a command of its own says that the
// service is healthy it waits for a lock; the one that holds the lock makes its
// service active. Nobody can tell a controller that is dead from one that is slow,
// and a service goes on without its controller. So whoever is made active leaves a
// breadcrumb, a znode that is not ephemeral; who comes after it and finds one that
// is not its own fences that service first. See controller.go, which is the
// pattern.
//
//	go run ./examples/failover                 three nodes here, and what befalls them
//	go run ./examples/failover -rounds 100
//
// One controller, for a service of yours (each of the commands is for sh -c):
//
//	failover -servers HOST:PORT -node db1 -check CMD -activate CMD -standby CMD -fence CMD
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

func main() {
	var h hooks
	servers := flag.String("servers", "", "use the service at `HOST:PORT,…` (default: one of our own)")
	timeout := flag.Duration("session-timeout", 2*time.Second, "be taken for dead after `D` of silence")
	node := flag.String("node", "", "be the controller of the node `NAME`")
	flag.StringVar(&h.check, "check", "true", "`CMD` that succeeds if the service is healthy, and in MW_ROLE: active or standby")
	flag.StringVar(&h.activate, "activate", "true", "`CMD` that makes the service active, with the number MW_FENCE")
	flag.StringVar(&h.standby, "standby", "true", "`CMD` that makes the service standby, unless it is active with a greater MW_FENCE")
	flag.StringVar(&h.fence, "fence", "true", "`CMD` that makes sure that the node MW_NODE is not active and cannot be with a number below MW_FENCE")
	rounds := flag.Int("rounds", 6, "let `N` things befall the nodes")
	seed := flag.Uint64("seed", 1, "choose them by the random numbers of `SEED`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	var err error
	switch {
	case flag.NArg() > 0:
		err = toy(ctx, flag.Args()) // the service of the demo, and its commands
	case *node != "":
		c := controller{node: *node, hooks: h, out: os.Stdout}
		if c.cfg.Servers, c.cfg.Chroot, err = coordinator.ParseServers(*servers); err == nil {
			c.cfg.SessionTimeout, c.cfg.ConnectTimeout = *timeout, 10*time.Second // then it says so, and tries on
			err = c.run(ctx)
		}
	default:
		err = demo(ctx, os.Stdout, *servers, *timeout, toyHooks, *rounds, *seed)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}
