package worker

import (
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// testRoles are the processes of a worker that the test binary can play when
// its first argument names one.
var testRoles = map[string]func(args []string) int{
	"guard": func([]string) int { return RunGuard(os.Stdin, os.Stdout) },
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role := testRoles[os.Args[1]]; role != nil {
			syscall.Exit(role(os.Args[2:])) // os.Exit takes a second under the race detector
		}
	}
	goleak.VerifyTestMain(m)
}

// guardArgv starts the test binary as a guard.
func guardArgv() []string { return []string{os.Args[0], "guard"} }

func await[T any](tb testing.TB, what string, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		tb.Fatalf("%s: nothing after 10s", what)
		panic("unreachable")
	}
}
