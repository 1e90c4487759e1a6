package coordinator

import "errors"

// These errors end a session. Every ephemeral znode and watch of it is gone
// or soon will be; the caller starts anew with a new session.
var (
	// ErrSessionLost: the service expired the session, or could have: the
	// lease ran out before the service answered.
	ErrSessionLost = errors.New("coordinator: session lost")

	// ErrClosed: Close was called.
	ErrClosed = errors.New("coordinator: closed")
)

// These errors are definite answers to one operation. The session goes on.
var (
	ErrNoNode                  = errors.New("coordinator: no such znode")
	ErrNodeExists              = errors.New("coordinator: znode exists")
	ErrBadVersion              = errors.New("coordinator: version has moved on")
	ErrNotEmpty                = errors.New("coordinator: znode has children")
	ErrNoAuth                  = errors.New("coordinator: not permitted")
	ErrNoChildrenForEphemerals = errors.New("coordinator: ephemeral znodes have no children")
	ErrRefused                 = errors.New("coordinator: refused by the server")
	ErrInvalidPath             = errors.New("coordinator: invalid path")
	ErrTooLarge                = errors.New("coordinator: too large")
)

// ErrNoServer: no server could be reached; the operation was not executed.
var ErrNoServer = errors.New("coordinator: no server")

// ErrUnknownOutcome: a write was sent and its answer was lost. It may have
// been executed, and may still be. To resolve it, Sync and read.
var ErrUnknownOutcome = errors.New("coordinator: outcome unknown")

// ErrTermEnded: this stretch of being master is over.
var ErrTermEnded = errors.New("coordinator: term ended")

// ErrLockLost: the lock is no longer held.
var ErrLockLost = errors.New("coordinator: lock lost")
