package worker

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

func TestFitness(t *testing.T) {
	var f fitness
	steps := []struct {
		ms      int
		made    bool
		news    bool
		resting int // until, in ms
	}{
		{0, true, false, 0},
		{0, false, true, 1000},
		{10, false, false, 1000}, // started together
		{10, true, false, 1000},
		{1000, false, false, 3000},
		{3000, false, false, 7000},
		{7000, false, false, 15000},
		{15000, false, false, 23000},
		{23000, true, true, 0},
		{30000, false, true, 31000},
	}
	for _, s := range steps {
		said := f.fault
		if s.made {
			said = f.made
		}
		if news := said(at(s.ms)); news != s.news {
			t.Errorf("at %d: news = %v", s.ms, news)
		}
		if s.resting > 0 && (!f.resting(at(s.resting-1)) || f.resting(at(s.resting))) || s.resting == 0 && f.resting(at(s.ms)) {
			t.Errorf("at %d: rests until %v, want %d", s.ms, f.until, s.resting)
		}
	}
}

func TestWhoseFaultItIs(t *testing.T) {
	tests := []struct {
		end  endedEvent
		exit int // of the task; 0: the worker's fault
	}{
		{endedEvent{Errno: uint64(syscall.ENOENT)}, 127},
		{endedEvent{Errno: uint64(syscall.EACCES)}, 126},
		{endedEvent{Errno: uint64(syscall.ENOEXEC)}, 126},
		{endedEvent{Errno: uint64(syscall.E2BIG)}, 126},
		{endedEvent{Errno: uint64(syscall.EAGAIN)}, 0},
		{endedEvent{Errno: uint64(syscall.ENOMEM)}, 0},
		{endedEvent{Errno: uint64(syscall.EMFILE)}, 0},
		{endedEvent{Errno: uint64(syscall.EACCES), Own: true}, 0},
		{endedEvent{GuardDied: true, Unstarted: true}, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(syscall.Errno(tt.end.Errno), tt.end.Own), func(t *testing.T) {
			err := notStarted(tt.end, "/bin/x")
			e, _ := errors.AsType[*startError](err)
			if (e == nil) != (tt.exit == 0) || e != nil && e.exit != tt.exit {
				t.Errorf("notStarted = %v, want exit %d", err, tt.exit)
			}
		})
	}
}
