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
	tree.ErrQuotaExceeded:           wire.QuotaExceeded,
	tree.ErrUnimplemented:           wire.Unimplemented,
	tree.ErrUndecodable:             wire.MarshallingError,
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

	config []byte // that a reconfig has set
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

func pathResult(b []byte, a *applied) []byte {
	reply := wire.CreateResponse{Path: a.res.Path}
	return reply.Append(b)
}

func path2Result(b []byte, a *applied) []byte {
	reply := wire.Create2Response{Path: a.res.Path, Stat: wire.Stat(a.res.Stat)}
	return reply.Append(b)
}

func statResult(b []byte, a *applied) []byte {
	reply := wire.StatResponse{Stat: wire.Stat(a.res.Stat)}
	return reply.Append(b)
}

// multiResult appends one result for each operation: all done, or all errors.
func multiResult(b []byte, a *applied) []byte {
	var (
		create  wire.CreateResponse
		create2 wire.Create2Response
		stat    wire.StatResponse
		failed  wire.ErrorResponse
	)
	for i, part := range a.txn.parts {
		res := &a.res.Ops[i]
		if a.code != wire.OK {
			failed.Err = codeOf(res.Err)
			b = wire.MultiResult{Op: wire.OpError, Reply: &failed}.Append(b)
			continue
		}
		reply := wire.MultiResult{Op: part} // delete and check have no more
		switch part {
		case wire.OpCreate:
			create.Path = res.Path
			reply.Reply = &create
		case wire.OpCreate2:
			create2 = wire.Create2Response{Path: res.Path, Stat: wire.Stat(res.Stat)}
			reply.Reply = &create2
		case wire.OpSetData:
			stat.Stat = wire.Stat(res.Stat)
			reply.Reply = &stat
		}
		b = reply.Append(b)
	}
	return wire.AppendMultiEnd(b)
}

// eventOverhead is the size of an event's frame without the path.
const eventOverhead = 4 + 16 + 3*4

// appendEvent appends the frame that tells a client what its watch saw.
func appendEvent(b []byte, t wire.EventType, path string) []byte {
	b, start := wire.BeginFrame(b)
	h := wire.ReplyHeader{Xid: wire.XidWatch, Zxid: -1}
	e := wire.WatcherEvent{Type: t, State: wire.StateSyncConnected, Path: path}
	return wire.EndFrame(e.Append(h.Append(b)), start)
}

// setCode changes the code in the reply header that b ends with.
func setCode(b []byte, code wire.Code) { binary.BigEndian.PutUint32(b[len(b)-4:], uint32(code)) }
