package zkshell

import (
	"errors"
	"fmt"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// Exit codes, as zkCli's.
const (
	exitFailed   = 1
	exitNotFound = 127 // there is no such command
)

// A failure is why a command was not done: a line for the user, and an exit code.
type failure struct {
	text string
	code int
}

func (f *failure) Error() string { return f.text }

func failf(format string, args ...any) error {
	return &failure{text: fmt.Sprintf(format, args...), code: exitFailed}
}

// A refusal is a code that the server answered, about a path. path is "null" where
// zkCli has none.
type refusal struct {
	code wire.Code
	path string
}

// refused turns an error of the client into a refusal.
func refused(err error, path string) error {
	if err == nil {
		return nil
	}
	return &refusal{code: client.CodeOf(err), path: path}
}

// is reports whether err is a refusal with code.
func is(err error, code wire.Code) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.code == code
}

// noPath is how zkCli shows that an error is about no path.
const noPath = "null"

// sentences are the codes that zkCli has a text of its own for. Those that end
// with a colon and a space go on with the path.
var sentences = map[wire.Code]string{
	wire.NoNode:                  "Node does not exist: ",
	wire.NoChildrenForEphemerals: "Ephemerals cannot have children: ",
	wire.NodeExists:              "Node already exists: ",
	wire.NotEmpty:                "Node not empty: ",
	wire.NotReadOnly:             "Not a read-only call: ",
	wire.InvalidACL:              "Acl is not valid : ",
	wire.NoAuth:                  "Insufficient permission : ",
	wire.BadArguments:            "Arguments are not valid : ",
	wire.BadVersion:              "version No is not valid : ",
	wire.QuotaExceeded:           "Quota has exceeded : ",
}

// Error is the line zkCli prints.
func (r *refusal) Error() string {
	switch r.code {
	case wire.ReconfigInProgress:
		return "Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)"
	case wire.NewConfigNoQuorum:
		return "No quorum of new config is connected and up-to-date with the leader of last committed config - try invoking reconfiguration after new servers are connected and synced"
	}
	if text, ok := sentences[r.code]; ok {
		return text + r.path
	}
	return r.plain()
}

// plain is the text of Apache's exception, which zkCli shows in places.
func (r *refusal) plain() string {
	text := "KeeperErrorCode = " + keeperName(r.code)
	if r.path == "" || r.path == noPath {
		return text
	}
	return text + " for " + r.path
}

// keeperNames are Apache's names of the codes (KeeperException.getCodeMessage).
var keeperNames = map[wire.Code]string{
	wire.OK:                           "ok",
	wire.SystemError:                  "SystemError",
	wire.RuntimeInconsistency:         "RuntimeInconsistency",
	wire.DataInconsistency:            "DataInconsistency",
	wire.ConnectionLoss:               "ConnectionLoss",
	wire.MarshallingError:             "MarshallingError",
	wire.NewConfigNoQuorum:            "NewConfigNoQuorum",
	wire.ReconfigInProgress:           "ReconfigInProgress",
	wire.Unimplemented:                "Unimplemented",
	wire.OperationTimeout:             "OperationTimeout",
	wire.BadArguments:                 "BadArguments",
	wire.APIError:                     "APIError",
	wire.NoNode:                       "NoNode",
	wire.NoAuth:                       "NoAuth",
	wire.BadVersion:                   "BadVersion",
	wire.NoChildrenForEphemerals:      "NoChildrenForEphemerals",
	wire.NodeExists:                   "NodeExists",
	wire.InvalidACL:                   "InvalidACL",
	wire.AuthFailed:                   "AuthFailed",
	wire.NotEmpty:                     "Directory not empty",
	wire.SessionExpired:               "Session expired",
	wire.InvalidCallback:              "Invalid callback",
	wire.SessionMoved:                 "Session moved",
	wire.NotReadOnly:                  "Not a read-only call",
	wire.EphemeralOnLocalSession:      "Ephemeral node on local session",
	wire.NoWatcher:                    "No such watcher",
	wire.ReconfigDisabled:             "Reconfig is disabled",
	wire.SessionClosedRequireSASLAuth: "Session closed because client failed to authenticate",
	wire.QuotaExceeded:                "Quota has exceeded",
	wire.ThrottledOp:                  "Op throttled due to high load",
}

func keeperName(code wire.Code) string {
	if name, ok := keeperNames[code]; ok {
		return name
	}
	return fmt.Sprintf("Unknown error %d", int32(code))
}
