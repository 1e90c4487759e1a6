// Command mw is the distributed task queue: its server, masters and workers,
// and what a person types to use it. One file per command; "mw help" lists them.
package main

import (
	"context"
	"os"
	"syscall"
)

func main() { os.Exit(run()) }

// run is main with an exit status, so that deferred calls are made.
func run() int {
	ctx, stop := untilSignal(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return report(os.Stderr, ctx, newApp().RunContext(ctx, os.Args))
}
