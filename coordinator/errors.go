package coordinator

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"
)

// These errors end a session. Every ephemeral znode and watch of it is gone or
// soon will be; the caller starts anew with a new session.
var (
	// ErrSessionLost: the service expired the session, or could have: the
	// lease ran out before the service answered.
	ErrSessionLost = errors.New("coordinator: session lost")

	// ErrClosed: Close was called.
	ErrClosed = errors.New("coordinator: closed")
)

// These errors are definite answers to one operation: nothing was done. The
// session goes on.
var (
	ErrNoNode                  = errors.New("coordinator: no such znode")
	ErrNodeExists              = errors.New("coordinator: znode exists")
	ErrBadVersion              = errors.New("coordinator: version has moved on")
	ErrNotEmpty                = errors.New("coordinator: znode has children")
	ErrNoAuth                  = errors.New("coordinator: not permitted")
	ErrNoChildrenForEphemerals = errors.New("coordinator: ephemeral znodes have no children")
	ErrRefused                 = errors.New("coordinator: refused by the server")

	// These two are found before anything is sent.
	ErrInvalidPath = errors.New("coordinator: invalid path")
	ErrTooLarge    = errors.New("coordinator: too large")
)

// ErrNoServer: no server could be reached. The operation was not executed.
var ErrNoServer = errors.New("coordinator: no server")

// ErrTryLater: the service turned the operation away though nothing is wrong
// with it: its disk is full, it sheds load, or it holds too many watches. The
// operation was not executed. Whoever has time tries again after a pause; see
// [Session.Insist].
var ErrTryLater = errors.New("coordinator: not now, try again later")

// ErrUnknownOutcome: a write was sent and its answer was lost. It may have
// been executed, and may still be. To resolve it, Sync and read. When the
// session ended meanwhile, the error is ErrSessionLost or ErrClosed as well.
var ErrUnknownOutcome = errors.New("coordinator: outcome unknown")

// ErrTermEnded: the master was deposed or has resigned, or its session ended.
// Whoever wrote under the term stops.
var ErrTermEnded = errors.New("coordinator: term ended")

// ErrLockLost: the lock is not ours any more: somebody deleted our place in its
// queue, or the session ended.
var ErrLockLost = errors.New("coordinator: lock lost")

// ErrLockHeld: somebody else holds the lock, and we were not to wait.
var ErrLockHeld = errors.New("coordinator: lock held by another")

// ErrEvicted: somebody deleted our znode in a group.
var ErrEvicted = errors.New("coordinator: membership deleted")

// class says what an error of the library means for the request.
type class uint8

const (
	definite    class = iota // the server answered, or the request was never sent for its form
	notExecuted              // never sent
	notNow                   // the server turned it away, and may take it later
	unknown                  // sent, and the answer was lost
	garbled                  // sent, and the answer tells nothing: unknown for a write, final for a read
	sessionOver              // not executed: the server no longer knows the session
)

// answers says whether a read with that error need not be repeated.
func (c class) answers() bool { return c == definite || c == garbled }

// translations is the only place where errors of the library get a meaning.
// What is not in it (raw network errors, above all) is unknown.
var translations = []struct {
	from  error
	class class
	to    error
}{
	{zk.ErrNoNode, definite, ErrNoNode},
	{zk.ErrNodeExists, definite, ErrNodeExists},
	{zk.ErrBadVersion, definite, ErrBadVersion},
	{zk.ErrNotEmpty, definite, ErrNotEmpty},
	{zk.ErrNoAuth, definite, ErrNoAuth},
	{zk.ErrAuthFailed, definite, ErrNoAuth},
	{zk.ErrNoChildrenForEphemerals, definite, ErrNoChildrenForEphemerals},
	{zk.ErrInvalidPath, definite, ErrInvalidPath},
	{zk.ErrBadArguments, definite, ErrRefused},
	{zk.ErrInvalidACL, definite, ErrRefused},
	{zk.ErrInvalidFlags, definite, ErrRefused},
	{zk.ErrReconfigDisabled, definite, ErrRefused},

	{zk.ErrNoServer, notExecuted, ErrNoServer},

	{zk.ErrSessionExpired, sessionOver, ErrSessionLost},
	{zk.ErrSessionMoved, sessionOver, ErrSessionLost},

	{zk.ErrConnectionClosed, unknown, ErrUnknownOutcome},
	{zk.ErrClosing, unknown, ErrUnknownOutcome},
	{zk.ErrAPIError, garbled, ErrUnknownOutcome},    // seen after execution
	{zk.ErrShortBuffer, garbled, ErrUnknownOutcome}, // before sending or when reading the answer
}

// translate gives the library's err as ours, with its class.
func translate(err error) (class, error) {
	if err == nil {
		return definite, nil
	}
	for _, t := range translations {
		if errors.Is(err, t.from) {
			if t.class == definite {
				return t.class, t.to
			}
			return t.class, fmt.Errorf("%w: %w", t.to, err)
		}
	}
	if code, ok := unnamedCode(err); ok {
		switch {
		case code == codeThrottled, code == codeOperationTimeout:
			return notNow, fmt.Errorf("%w: code %d", ErrTryLater, code)
		case mayHaveHappened(code):
			return garbled, fmt.Errorf("%w: code %d", ErrUnknownOutcome, code)
		}
		return definite, fmt.Errorf("%w: code %d", ErrRefused, code)
	}
	return unknown, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// unnamedCode reads the reply code out of the error the library makes of a
// code it does not know, "unknown error: -6".
func unnamedCode(err error) (int, bool) {
	digits, ok := strings.CutPrefix(err.Error(), "unknown error: ")
	if !ok {
		return 0, false
	}
	code, err := strconv.Atoi(digits)
	return code, err == nil
}

// mayHaveHappened says which reply codes leave the outcome open: system error,
// the two inconsistencies, connection loss, request timeout. The others
// (unimplemented, marshalling error, quota exceeded, …) are refusals.
func mayHaveHappened(code int) bool {
	switch code {
	case -1, codeInconsistency, -3, -4, -122:
		return true
	}
	return false
}

// Codes of requests that were not carried out and may be made again.
const (
	// codeThrottled is how Apache ZooKeeper sheds load (3.6 and later).
	codeThrottled = -127

	// codeOperationTimeout is how mw server refuses writes while its disk is
	// full. The servers of Apache ZooKeeper never say it: there it is the name
	// its client gives to an answer that did not come.
	codeOperationTimeout = -7
)

// codeInconsistency is what a multi answers for the operations after the one
// that refused it.
const codeInconsistency = -2
