package main

import (
	"errors"
	"fmt"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/mwtest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mw": main})
}

// TestScript runs testdata/script, which is what the command line promises:
// real processes, ports, files and signals.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("MW_CONNECT_TIMEOUT", "1m") // a server in the background may start slowly
			env.Setenv("MW_DATA", env.WorkDir+"/data")
			env.Setenv("TMPDIR", env.WorkDir)
			env.Setenv("TMP", env.WorkDir)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each command takes a second longer under the race detector
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "hangup" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return !signal.Ignored(syscall.SIGHUP), nil // under nohup what is started here ignores it, too
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"free":       free,
			"eventually": eventually,
			"certs":      certsCommand,
		},
	})
}

// exits runs a command and checks its exit code: exits CODE COMMAND…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := run1(ts, args[1:]); got != want {
		ts.Fatalf("%v exited %d, want %d", args[1:], got, want)
	}
}

// run1 runs a command and returns its exit code.
func run1(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// free sets a variable to an address on which nobody listens, and keeps it from
// others until the script ends: free VARIABLE.
func free(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free VARIABLE")
	}
	a, err := mwtest.HoldAddress()
	ts.Check(err)
	ts.Defer(a.Release)
	ts.Setenv(args[0], a.String())
}

// eventually runs a command until what it prints matches a pattern, for at
// most a minute: eventually PATTERN COMMAND…
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND…")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	end := time.Now().Add(time.Minute)
	for {
		run1(ts, args[1:])
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%v prints nothing like %s after a minute", args[1:], args[0])
		}
		<-time.After(50 * time.Millisecond)
	}
}
