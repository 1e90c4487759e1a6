package submit

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sys/unix"
)

// Exit codes that are not a command's own.
const (
	exitMapped   = 123 // the command's code means something else here
	exitTimedOut = 124
	exitNotRun   = 125 // there is no outcome of the command
)

// A Result is how a task ended.
type Result struct {
	ID       coordinator.TaskID
	Status   coordinator.Status
	Ended    time.Time           // when the status was recorded, by the service's clock
	Attempts int                 // number of the last attempt; 0 when there was none
	Last     coordinator.Attempt // that attempt; zero when there was none
}

// ExitCode is what a program exits with that stands in for the task:
//
//	done                      0
//	failed, exit 1 to 123     the command's code
//	failed, exit 124, 125     123: here they mean timed out and not run
//	failed, exit 126, 127     the same: not executable, not found on the worker
//	failed, exit 128 to 255   the same: what a shell gives for a signal
//	failed by signal n        128+n
//	failed without a code     1: a handler returned an error
//	timed_out                 124
//	cancelled, dead, other    125
func (r Result) ExitCode() int {
	switch r.Status {
	case coordinator.StatusDone:
		return 0
	case coordinator.StatusTimedOut:
		return exitTimedOut
	case coordinator.StatusFailed:
		return failedCode(r.Last)
	}
	return exitNotRun
}

func failedCode(a coordinator.Attempt) int {
	if n, ok := signalNumber(a.Signal); ok {
		return 128 + n
	}
	switch {
	case a.Exit == exitTimedOut || a.Exit == exitNotRun:
		return exitMapped
	case a.Exit >= 1 && a.Exit <= 255:
		return a.Exit
	}
	return 1
}

// signalNumber reads a signal as "SIGKILL", "KILL" or "9".
func signalNumber(name string) (int, bool) {
	if n, err := strconv.Atoi(name); err == nil {
		return n, 0 < n && n < 128
	}
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	n := int(unix.SignalNum(name))
	return n, n > 0
}

// Explain says in one line what the exit code alone does not. It is empty
// when the command ended by itself and its code is given as it is.
func (r Result) Explain() string {
	switch r.Status {
	case coordinator.StatusDone:
		return ""
	case coordinator.StatusFailed:
		return r.explainFailed()
	case coordinator.StatusTimedOut:
		return fmt.Sprintf("%s timed out", r.ID)
	case coordinator.StatusCancelled:
		return fmt.Sprintf("%s was cancelled", r.ID)
	case coordinator.StatusDead:
		return fmt.Sprintf("%s is dead: %d attempts ended with their workers, the last on %s", r.ID, r.Attempts, r.Last.Worker)
	}
	return fmt.Sprintf("%s has the status %q, which mw does not know", r.ID, string(r.Status))
}

func (r Result) explainFailed() string {
	a := r.Last
	switch code := failedCode(a); {
	case a.Error != "":
		return fmt.Sprintf("%s failed: %s", r.ID, a.Error)
	case a.Signal != "":
		return fmt.Sprintf("%s was ended by %s", r.ID, a.Signal)
	case r.Attempts == 0 || a.Exit == 0:
		return fmt.Sprintf("%s failed without an exit code", r.ID)
	case code == exitMapped && a.Exit != exitMapped:
		return fmt.Sprintf("%s exited %d, given as %d because %d has a meaning of its own here", r.ID, a.Exit, code, a.Exit)
	case code != a.Exit:
		return fmt.Sprintf("%s exited %d, given as %d", r.ID, a.Exit, code)
	}
	return ""
}
