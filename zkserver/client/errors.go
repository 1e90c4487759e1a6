package client

import (
	"errors"
	"fmt"

	"github.com/mwqueue/mw/zkserver/wire"
)

// These errors end a client. Every later call returns the same one.
var (
	ErrClosed         = errors.New("client: closed")
	ErrSessionExpired = errors.New("client: session expired")
	ErrAuthFailed     = errors.New("client: authentication failed")
)

// These errors answer one call. The client goes on.
var (
	// ErrConnectionLost says that the connection ended before the reply came:
	// whether the request was done is not known.
	ErrConnectionLost = errors.New("client: connection lost")

	// ErrNotConnected says that the context ended before there was a connection:
	// the request was not sent. It comes wrapped with why the last attempt failed.
	ErrNotConnected = errors.New("client: not connected")

	// ErrNotFinished says that the context ended before the reply came: whether
	// the request was done is not known.
	ErrNotFinished = errors.New("client: no reply in time")
)

// An Error is a reply whose code is not OK.
type Error struct {
	Op   wire.Op
	Path string // as the caller gave it; "" when the request has none
	Code wire.Code
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("client: %v: %v", e.Op, e.Code)
	}
	return fmt.Sprintf("client: %v %s: %v", e.Op, e.Path, e.Code)
}

// CodeOf returns the code a server answered with, [wire.OK] for nil, and the code
// that Apache's client gives the errors of this package. Anything else is a
// [wire.SystemError].
func CodeOf(err error) wire.Code {
	if err == nil {
		return wire.OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	for _, row := range []struct {
		err  error
		code wire.Code
	}{
		{ErrSessionExpired, wire.SessionExpired},
		{ErrAuthFailed, wire.AuthFailed},
		{ErrClosed, wire.SessionExpired},
		{ErrConnectionLost, wire.ConnectionLoss},
		{ErrNotConnected, wire.ConnectionLoss},
		{ErrNotFinished, wire.OperationTimeout},
	} {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return wire.SystemError
}
