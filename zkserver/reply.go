package zkserver

import (
	"encoding/binary"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// codes translates what the tree answers to what the client is told. It is the
// only such place.
var codes = map[error]wire.Code{
	nil:                             wire.OK,
	tree.ErrNoNode:                  wire.NoNode,
	tree.ErrNodeExists:              wire.NodeExists,
	tree.ErrBadVersion:              wire.BadVersion,
	tree.ErrNotEmpty:                wire.NotEmpty,
	tree.ErrNoAuth:                  wire.NoAuth,
	tree.ErrInvalidACL:              wire.InvalidACL,
	tree.ErrNoChildrenForEphemerals: wire.NoChildrenForEphemerals,
	tree.ErrBadArguments:            wire.BadArguments,
	tree.ErrUnimplemented:           wire.Unimplemented,
	tree.ErrRuntimeInconsistency:    wire.RuntimeInconsistency,
}

func codeOf(err error) wire.Code {
	if err == nil {
		return wire.OK
	}
	if code, ok := codes[err]; ok {
		return code
	}
	return wire.SystemError
}

// applied is a write that has been applied: what its reply is made of.
type applied struct {
	body wire.Decoder // of the request
	txn  txn
	zxid int64
	code wire.Code
	res  tree.Result
}

// appendReply appends the frame that answers the write r.
func appendReply(b []byte, r *request, a *applied) []byte {
	code := a.code
	// A multi that failed is a reply without error whose body says, for each
	// operation, what came of it.
	whole := code == wire.OK || len(a.res.Ops) > 0
	if whole {
		code = wire.OK
	}
	b, start := wire.BeginFrame(b)
	h := wire.ReplyHeader{Xid: r.xid, Zxid: a.zxid, Err: code}
	b = h.Append(b)
	if whole {
		b = r.op.result(b, a)
	}
	return wire.EndFrame(b, start)
}

func noResult(b []byte, _ *applied) []byte { return b }

func pathResult(b []byte, a *applied) []byte { return wire.AppendString(b, a.res.Path) }

func path2Result(b []byte, a *applied) []byte {
	return appendStat(wire.AppendString(b, a.res.Path), a.res.Stat)
}

func statResult(b []byte, a *applied) []byte { return appendStat(b, a.res.Stat) }

// multiResult appends one result for each operation: all done, or all errors.
func multiResult(b []byte, a *applied) []byte {
	for i, part := range a.txn.parts {
		res := &a.res.Ops[i]
		if a.code != wire.OK {
			b = appendMultiError(b, codeOf(res.Err))
			continue
		}
		h := wire.MultiHeader{Op: part}
		switch part {
		case wire.OpCreate:
			b = wire.AppendString(h.Append(b), res.Path)
		case wire.OpCreate2:
			b = appendStat(wire.AppendString(h.Append(b), res.Path), res.Stat)
		case wire.OpSetData:
			b = appendStat(h.Append(b), res.Stat)
		default: // delete, check
			b = h.Append(b)
		}
	}
	return appendMultiEnd(b)
}

func appendMultiError(b []byte, code wire.Code) []byte {
	h := wire.MultiHeader{Op: wire.OpError, Err: code}
	return wire.AppendInt32(h.Append(b), int32(code))
}

func appendMultiEnd(b []byte) []byte {
	h := wire.MultiHeader{Op: wire.OpError, Done: true, Err: -1}
	return h.Append(b)
}

func appendStat(b []byte, s tree.Stat) []byte {
	stat := wire.Stat(s)
	return stat.Append(b)
}

// appendEvent appends the frame that tells a client what its watch saw.
func appendEvent(b []byte, t wire.EventType, path string) []byte {
	b, start := wire.BeginFrame(b)
	h := wire.ReplyHeader{Xid: wire.XidWatch, Zxid: -1}
	e := wire.WatcherEvent{Type: t, State: wire.StateSyncConnected, Path: path}
	return wire.EndFrame(e.Append(h.Append(b)), start)
}

// setCode changes the code in the reply header that b ends with.
func setCode(b []byte, code wire.Code) []byte {
	binary.BigEndian.PutUint32(b[len(b)-4:], uint32(code))
	return b
}
