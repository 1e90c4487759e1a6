package zkserver

import (
	"bytes"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// txn is a write as the tree takes it.
type txn struct {
	op    tree.Op
	parts []wire.Op // of a multi: what each operation was, for the reply
}

// The functions below decode the body of a request. They are part of the
// replicated state machine: what they answer may depend on nothing but the
// bytes. What they return shares no memory with the decoder's input, which is
// a whole batch of the log.

func createTxn(d *wire.Decoder) (txn, wire.Code) {
	var q wire.CreateRequest
	q.Decode(d)
	if d.Err() != nil {
		return txn{}, wire.MarshallingError
	}
	create, ok := createOp(&q)
	if !ok {
		return txn{}, wire.BadArguments
	}
	return txn{op: create}, wire.OK
}

// createOp reports false for flags that op 1 and op 15 do not take: TTL modes
// and numbers that are no mode.
func createOp(q *wire.CreateRequest) (tree.Create, bool) {
	mode, ok := createModes[q.Flags]
	return tree.Create{Path: q.Path, Data: cloneData(q.Data), ACL: treeACL(q.ACL), Mode: mode}, ok
}

var createModes = map[int32]tree.Mode{
	wire.FlagPersistent:          tree.Persistent,
	wire.FlagEphemeral:           tree.Ephemeral,
	wire.FlagSequential:          tree.PersistentSequential,
	wire.FlagEphemeralSequential: tree.EphemeralSequential,
}

func deleteTxn(d *wire.Decoder) (txn, wire.Code) {
	var q wire.DeleteRequest
	q.Decode(d)
	return txn{op: tree.Delete(q)}, marshalled(d)
}

func setDataTxn(d *wire.Decoder) (txn, wire.Code) {
	var q wire.SetDataRequest
	q.Decode(d)
	return txn{op: tree.SetData{Path: q.Path, Data: cloneData(q.Data), Version: q.Version}}, marshalled(d)
}

func setACLTxn(d *wire.Decoder) (txn, wire.Code) {
	var q wire.SetACLRequest
	q.Decode(d)
	return txn{op: tree.SetACL{Path: q.Path, ACL: treeACL(q.ACL), Version: q.Version}}, marshalled(d)
}

func checkTxn(d *wire.Decoder) (txn, wire.Code) {
	var q wire.CheckRequest
	q.Decode(d)
	return txn{op: tree.Check(q)}, marshalled(d)
}

func multiTxn(d *wire.Decoder) (txn, wire.Code) {
	var q wire.MultiRequest
	q.Decode(d)
	if d.Err() != nil {
		return txn{}, wire.MarshallingError
	}
	if len(q.Ops) > maxMultiOps {
		return txn{}, wire.BadArguments
	}
	multi := tree.Multi{Ops: make([]tree.Op, len(q.Ops))}
	parts := make([]wire.Op, len(q.Ops))
	for i, part := range q.Ops {
		op, ok := multiPart(part)
		if !ok {
			return txn{}, wire.MarshallingError
		}
		multi.Ops[i], parts[i] = op, part.Op
	}
	return txn{op: multi, parts: parts}, wire.OK
}

// multiPart returns the operation of the tree for one of a multi, and false for
// a read.
func multiPart(part wire.MultiOp) (tree.Op, bool) {
	switch q := part.Request.(type) {
	case *wire.CreateRequest:
		if part.Op == wire.OpCreateContainer {
			return unservedPart, true
		}
		if create, ok := createOp(q); ok {
			return create, true
		}
		return badPart, true
	case *wire.CreateTTLRequest:
		return unservedPart, true
	case *wire.DeleteRequest:
		return tree.Delete(*q), true
	case *wire.SetDataRequest:
		return tree.SetData{Path: q.Path, Data: cloneData(q.Data), Version: q.Version}, true
	case *wire.CheckRequest:
		return tree.Check(*q), true
	}
	return nil, false
}

// These stand for operations that cannot be decoded to one of the tree's. The
// tree answers them with ErrBadArguments and ErrUnimplemented in their turn: an
// operation before them may fail first.
var (
	badPart      = tree.Create{Path: "/", TTL: 1}
	unservedPart = tree.Multi{}
)

// marshalled returns the code for what d came upon.
func marshalled(d *wire.Decoder) wire.Code {
	if d.Err() != nil {
		return wire.MarshallingError
	}
	return wire.OK
}

// openACL is by far the most frequent one.
var openACL = []tree.ACL{{Perms: tree.PermAll, Scheme: "world", ID: "anyone"}}

// treeACL keeps null apart from empty only so far as the tree does: it refuses
// both.
func treeACL(acl []wire.ACL) []tree.ACL {
	if len(acl) == 1 && tree.ACL(acl[0]) == openACL[0] {
		return openACL
	}
	out := make([]tree.ACL, len(acl))
	for i, a := range acl {
		out[i] = tree.ACL(a)
	}
	return out
}

// cloneData copies data, and keeps null apart from empty.
func cloneData(data []byte) []byte {
	if data != nil && len(data) == 0 {
		return []byte{}
	}
	return bytes.Clone(data)
}
