package main

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// timeout(1) sends SIGTERM to the process and at once to its group. The second
// one left the task running.
func TestOnlyAnotherCtrlCLeavesATask(t *testing.T) {
	type press struct {
		sig   os.Signal
		after time.Duration // the one before
	}
	tests := []struct {
		name  string
		first os.Signal
		then  []press
		want  error
		took  time.Duration
	}{
		{name: "SIGTERM", first: syscall.SIGTERM, want: errUnanswered, took: 5 * time.Second},
		{name: "SIGTERM twice at once", first: syscall.SIGTERM, then: []press{{syscall.SIGTERM, 0}}, want: errUnanswered, took: 5 * time.Second},
		{name: "SIGTERM again", first: syscall.SIGTERM, then: []press{{syscall.SIGTERM, 3 * time.Second}}, want: errUnanswered, took: 5 * time.Second},
		{name: "SIGTERM and Ctrl-C", first: syscall.SIGTERM, then: []press{{os.Interrupt, time.Second}}, want: errLeft, took: time.Second},
		{name: "Ctrl-C", first: os.Interrupt, took: time.Minute},
		{name: "Ctrl-C heard twice", first: os.Interrupt, then: []press{{os.Interrupt, 0}}, took: time.Minute},
		{name: "Ctrl-C again", first: os.Interrupt, then: []press{{os.Interrupt, 0}, {os.Interrupt, time.Second}}, want: errLeft, took: time.Second},
		{name: "Ctrl-C and SIGTERM", first: os.Interrupt, then: []press{{syscall.SIGTERM, time.Second}}, want: errUnanswered, took: 6 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				signals := make(chan os.Signal, 2)
				go func() {
					for _, p := range tt.then {
						time.Sleep(p.after)
						signals <- p.sig
					}
				}()
				start := time.Now()
				if got := impatience(ctx, tt.first, signals); got != tt.want || time.Since(start) != tt.took {
					t.Errorf("ended with %v after %s, want %v after %s", got, time.Since(start), tt.want, tt.took)
				}
			})
		})
	}
}

func TestASignalHeardTwiceIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		signals <- syscall.SIGTERM
		go func() {
			time.Sleep(time.Second)
			signals <- syscall.SIGHUP
		}()
		if got := arrivedAgain(t.Context(), signals); got != syscall.SIGHUP {
			t.Errorf("the next signal is %v, want the later one", got)
		}
	})
}
