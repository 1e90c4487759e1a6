package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// A stopSignal is the signal that ended a context, as its cause.
type stopSignal syscall.Signal

func (s stopSignal) Error() string { return syscall.Signal(s).String() + " signal received" }

// code is what a program exits with that the signal ended.
func (s stopSignal) code() int { return 128 + int(s) }

// untilSignal is a context that ends with the first of the signals, of which
// its cause, a [stopSignal], tells. From then on they kill. The caller calls
// stop when it has no more use for the context.
func untilSignal(parent context.Context, which ...os.Signal) (ctx context.Context, stop context.CancelFunc) {
	ctx, end := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, which...)
	go func() { // ends with ctx
		sig, _ := arrived(ctx, signals).(syscall.Signal)
		signal.Stop(signals)
		if sig != 0 {
			end(stopSignal(sig))
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		end(nil)
	}
}
