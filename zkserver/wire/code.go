package wire

import "strconv"

// A Code is the outcome of a request: the last field of every [ReplyHeader].
// A reply whose code is not [OK] has no body.
type Code int32

// The codes of ZooKeeper 3.8 (KeeperException.Code).
const (
	OK Code = 0

	// The server or the connection is at fault.
	SystemError          Code = -1
	RuntimeInconsistency Code = -2 // in a failed multi: not tried, an op before it failed
	DataInconsistency    Code = -3
	ConnectionLoss       Code = -4
	MarshallingError     Code = -5 // the request's body does not decode
	Unimplemented        Code = -6
	OperationTimeout     Code = -7
	BadArguments         Code = -8
	UnknownSession       Code = -12
	NewConfigNoQuorum    Code = -13
	ReconfigInProgress   Code = -14

	// The request is at fault.
	APIError                     Code = -100
	NoNode                       Code = -101
	NoAuth                       Code = -102
	BadVersion                   Code = -103
	NoChildrenForEphemerals      Code = -108
	NodeExists                   Code = -110
	NotEmpty                     Code = -111
	SessionExpired               Code = -112
	InvalidCallback              Code = -113
	InvalidACL                   Code = -114
	AuthFailed                   Code = -115
	SessionMoved                 Code = -118
	NotReadOnly                  Code = -119
	EphemeralOnLocalSession      Code = -120
	NoWatcher                    Code = -121
	RequestTimeout               Code = -122
	ReconfigDisabled             Code = -123
	SessionClosedRequireSASLAuth Code = -124
	QuotaExceeded                Code = -125
	ThrottledOp                  Code = -127
)

var codeNames = map[Code]string{
	OK:                           "ok",
	SystemError:                  "system error",
	RuntimeInconsistency:         "runtime inconsistency",
	DataInconsistency:            "data inconsistency",
	ConnectionLoss:               "connection loss",
	MarshallingError:             "marshalling error",
	Unimplemented:                "unimplemented",
	OperationTimeout:             "operation timeout",
	BadArguments:                 "bad arguments",
	UnknownSession:               "unknown session",
	NewConfigNoQuorum:            "new config has no quorum",
	ReconfigInProgress:           "reconfig in progress",
	APIError:                     "api error",
	NoNode:                       "no node",
	NoAuth:                       "no auth",
	BadVersion:                   "bad version",
	NoChildrenForEphemerals:      "no children for ephemerals",
	NodeExists:                   "node exists",
	NotEmpty:                     "not empty",
	SessionExpired:               "session expired",
	InvalidCallback:              "invalid callback",
	InvalidACL:                   "invalid acl",
	AuthFailed:                   "auth failed",
	SessionMoved:                 "session moved",
	NotReadOnly:                  "not read only",
	EphemeralOnLocalSession:      "ephemeral on local session",
	NoWatcher:                    "no watcher",
	RequestTimeout:               "request timeout",
	ReconfigDisabled:             "reconfig disabled",
	SessionClosedRequireSASLAuth: "session closed, sasl required",
	QuotaExceeded:                "quota exceeded",
	ThrottledOp:                  "throttled",
}

// String returns a lower-case phrase, or "code N" for a number that is no code.
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return "code " + strconv.Itoa(int(c))
}
