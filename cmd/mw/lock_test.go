package main

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestLockWordsAreTakenApart(t *testing.T) {
	tests := []struct {
		words   []string
		flags   []string
		argv    []string
		problem bool
	}{
		{words: []string{"a", "--", "cmd", "-x"}, argv: []string{"cmd", "-x"}},
		{words: []string{"a", "cmd", "--", "-x"}, argv: []string{"cmd", "--", "-x"}},
		{words: []string{"a", "-n", "-w", "1s", "--", "cmd", "--", "x"}, flags: []string{"-n", "-w", "1s"}, argv: []string{"cmd", "--", "x"}},
		{words: []string{"a", "-n", "cmd"}, problem: true},
		{words: []string{"a", "-n", "--"}, problem: true},
		{words: []string{"a", "--"}, problem: true},
		{words: []string{"a"}, problem: true},
		{words: []string{"", "--", "cmd"}, problem: true},
		{words: []string{"a/", "--", "cmd"}, problem: true},
		{problem: true},
	}
	for _, tt := range tests {
		w, problem := parseLockWords(tt.words)
		if tt.problem != (problem != "") {
			t.Errorf("%q: problem = %q", tt.words, problem)
		}
		if !tt.problem && (w.name != "a" || !slices.Equal(w.flags, tt.flags) || !slices.Equal(w.argv, tt.argv)) {
			t.Errorf("%q = %+v", tt.words, w)
		}
	}
}

// The command is asked to end before the lease does, and killed when it does; an
// answer of the service that comes in between gives no more time.
func TestLockLeaseWarnsAndKills(t *testing.T) {
	var l lockLease
	l.extend(1000, 200)
	steps := []struct {
		now   int64
		sig   syscall.Signal
		again int64
	}{{0, 0, 800}, {799, 0, 800}, {800, syscall.SIGTERM, 1000}, {900, 0, 1000}, {1000, syscall.SIGKILL, 0}, {1001, syscall.SIGKILL, 0}}
	for _, tt := range steps {
		if sig, again := l.due(tt.now); sig != tt.sig || again != tt.again {
			t.Errorf("at %d: %v, again at %d, want %v and %d", tt.now, sig, again, tt.sig, tt.again)
		}
		if tt.now >= 800 {
			l.extend(5000, 200)
		}
	}
	l = lockLease{}
	l.extend(1000, 200)
	l.extend(1500, 200)
	if sig, again := l.due(1000); sig != 0 || again != 1300 {
		t.Errorf("after an answer: %v, again at %d", sig, again)
	}
	if sig, _ := new(lockLease).due(1); sig != syscall.SIGKILL {
		t.Errorf("without a lease: %v", sig)
	}
}

// A guard that is stopped is killed well before the lock is another's, however
// short the session is. The lock ends after 0.6 of its timeout.
func TestAGuardThatIsStoppedIsKilledInTime(t *testing.T) {
	for _, timeout := range []time.Duration{100 * time.Millisecond, time.Second, 1250 * time.Millisecond, 5 * time.Second, time.Minute} {
		if killed := timeout*6/10 + guardPatience(timeout); killed > timeout*7/10 || guardPatience(timeout) > 500*time.Millisecond {
			t.Errorf("with a session of %v it is killed after %v", timeout, killed)
		}
	}
}

// The loss was a line of the log, and then the reason that the command was ended.
func TestTheLossOfTheSessionOfALockIsSaidOnce(t *testing.T) {
	var out bytes.Buffer
	log := zerolog.New(&out).Hook(saidInTheEnd)
	log.Warn().Msg("session lost")
	if out.Len() > 0 {
		t.Errorf("the log has %s", &out)
	}
	log.Warn().Msg("no server reached, trying on")
	if out.Len() == 0 {
		t.Error("other lines are not there")
	}
}
