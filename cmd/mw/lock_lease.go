package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/mwqueue/mw/boottime"
)

// A lockLease says how long a command may run under a lock, and what becomes of
// it then. Times are boottimes, in nanoseconds: a clock that every process of the
// machine reads alike and that goes on while it sleeps. It holds no clock itself;
// the guard's loop owns it.
type lockLease struct {
	deadline int64 // when the lock may be another's
	warning  int64 // how long before that the command is asked to end
	warned   bool  // it was: there is no way back
	over     bool
}

// extend moves the deadline on. A command that was asked to end gets no more time.
func (l *lockLease) extend(deadline, warning int64) {
	if !l.warned && !l.over {
		l.deadline, l.warning = deadline, warning
	}
}

// due returns the signal that it is time for, 0 if for none, and when to ask
// again.
func (l *lockLease) due(now int64) (sig syscall.Signal, again int64) {
	switch {
	case now >= l.deadline:
		l.over = true
		return syscall.SIGKILL, 0
	case l.warned:
		return 0, l.deadline
	case now >= l.deadline-l.warning:
		l.warned = true
		return syscall.SIGTERM, l.deadline
	}
	return 0, l.deadline - l.warning
}

// lockWarning is how long before the lease of a session ends its command is asked
// to: a quarter of the lease, so that a silence of 0.45 of the session timeout is
// survived.
func lockWarning(timeout time.Duration) time.Duration { return timeout * 3 / 20 }

// bootDeadline gives a lease as a boottime. The clock is read first: if this
// process is stopped between the two readings, the lease only gets shorter.
func bootDeadline(lease time.Time) int64 {
	now := boottime.Now()
	return now + int64(time.Until(lease))
}

// What mw lock and its guard say to each other is lines of words.
//
//	lease DEADLINE WARNING   the command may live until then
//	signal N                 give the command a signal
//	kill                     the lock is lost
//
//	ended CODE SIGNAL WHY    of the command; WHY is a lockEnd
//	failed ERRNO             it could not be started
const (
	sayLease  = "lease %d %d\n"
	saySignal = "signal %d\n"
	sayKill   = "kill\n"
	sayEnded  = "ended %d %d %d\n"
	sayFailed = "failed %d\n"
)

// lockEnd says why a command ended.
type lockEnd int

const (
	endedItself lockEnd = iota
	endedWarned         // it was asked to before the lease ended
	endedKilled         // the lease had ended, or the lock was lost
	endedOrphan         // mw lock died; nobody hears of it
	endedBeyond         // it was to be killed, but has become another user, and goes on
)

// commandEnd is what a guard reports.
type commandEnd struct {
	code   int
	signal syscall.Signal // that ended it; 0: none
	why    lockEnd
	errno  syscall.Errno // why it was not started; 0: it was
}

// parseEnd reads a line of the guard.
func parseEnd(line string) (e commandEnd, ok bool) {
	line += "\n"
	if n, _ := fmt.Sscanf(line, sayFailed, &e.errno); n == 1 {
		return e, true
	}
	n, _ := fmt.Sscanf(line, sayEnded, &e.code, &e.signal, &e.why)
	return e, n == 3
}
