package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// sameSignal is how soon after a signal another one is no second word but the
// same one heard twice: timeout(1) sends its signal to us, and at once again to
// our process group; a shell and the system may both send a hangup.
const sameSignal = 500 * time.Millisecond

// arrivedAgain is arrived for the next signal after one that came just now.
func arrivedAgain(ctx context.Context, signals <-chan os.Signal) os.Signal {
	first := time.Now()
	for {
		sig := arrived(ctx, signals)
		if sig == nil || time.Since(first) >= sameSignal {
			return sig
		}
	}
}

// killSoon lets signals kill that were heard so far, but not the one again that
// came just now.
func killSoon(signals chan<- os.Signal) {
	time.AfterFunc(sameSignal, func() { signal.Stop(signals) })
}

// A stopSignal is the signal that ended a context, as its cause.
type stopSignal syscall.Signal

func (s stopSignal) Error() string { return syscall.Signal(s).String() + " signal received" }

// code is what a program exits with that the signal ended.
func (s stopSignal) code() int { return 128 + int(s) }

// untilSignal is a context that ends with the first of the signals, of which
// its cause, a [stopSignal], tells. Soon after that they kill. The caller calls
// stop when it has no more use for the context.
func untilSignal(parent context.Context, which ...os.Signal) (ctx context.Context, stop context.CancelFunc) {
	ctx, end := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, which...)
	go func() { // ends with ctx
		sig, _ := arrived(ctx, signals).(syscall.Signal)
		if sig != 0 {
			killSoon(signals)
			end(stopSignal(sig))
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		end(nil)
	}
}

// hearHangup adds SIGHUP, the end of the terminal, to what is heard, unless it
// is ignored: nohup(1) asks for that.
func hearHangup(signals chan os.Signal) chan os.Signal {
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals
}

// untilHangup is ctx, ended also by SIGHUP unless that is ignored: a role that
// ends is not to be killed in the middle of it. Further ones do nothing, as a
// shell and the system may both send one. The caller calls stop at the end.
func untilHangup(ctx context.Context) (_ context.Context, stop context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	signals := hearHangup(make(chan os.Signal, 1))
	go func() { // ends with ctx
		if arrived(ctx, signals) != nil {
			end(stopSignal(syscall.SIGHUP))
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		end(nil)
	}
}
