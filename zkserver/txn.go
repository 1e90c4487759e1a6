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
	mode, ok := createModes[q.Flags]
	switch {
	case q.Flags == wire.FlagContainer:
		return txn{}, wire.Unimplemented
	case !ok:
		return txn{}, wire.BadArguments
	}
	return txn{op: createOp(&q, mode)}, wire.OK
}

var createModes = map[int32]tree.Mode{
	wire.FlagPersistent:          tree.Persistent,
	wire.FlagEphemeral:           tree.Ephemeral,
	wire.FlagSequential:          tree.PersistentSequential,
	wire.FlagEphemeralSequential: tree.EphemeralSequential,
}

func createOp(q *wire.CreateRequest, mode tree.Mode) tree.Create {
	return tree.Create{Path: q.Path, Data: cloneData(q.Data), ACL: treeACL(q.ACL), Mode: mode}
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
		var ok bool
		if multi.Ops[i], parts[i], ok = multiPart(part); !ok {
			return txn{}, wire.MarshallingError
		}
	}
	return txn{op: multi, parts: parts}, wire.OK
}

// multiPart returns the operation of the tree for one of a multi, and what the
// reply calls it. It reports false when the whole multi does not decode.
func multiPart(part wire.MultiOp) (op tree.Op, name wire.Op, ok bool) {
	switch q := part.Request.(type) {
	case *wire.CreateRequest:
		return multiCreate(q, false)
	case *wire.CreateTTLRequest:
		return multiCreate(&wire.CreateRequest{Path: q.Path, Data: q.Data, ACL: q.ACL, Flags: q.Flags}, true)
	case *wire.DeleteRequest:
		return tree.Delete(*q), part.Op, true
	case *wire.SetDataRequest:
		return tree.SetData{Path: q.Path, Data: cloneData(q.Data), Version: q.Version}, part.Op, true
	case *wire.CheckRequest:
		return tree.Check(*q), part.Op, true
	}
	return nil, 0, false // a read
}

// multiCreate goes by the flags alone, as Apache ZooKeeper does (Op.create):
// create, create2 and createContainer mean the same in a multi, and the reply
// is create's.
func multiCreate(q *wire.CreateRequest, ttl bool) (tree.Op, wire.Op, bool) {
	if mode, ok := createModes[q.Flags]; ok {
		return createOp(q, mode), wire.OpCreate, true
	}
	switch q.Flags {
	case wire.FlagContainer:
		return unservedPart, wire.OpCreate2, true
	case wire.FlagPersistentTTL, wire.FlagPersistentSequentialTTL:
		return unservedPart, wire.OpCreate2, ttl
	}
	return badPart, wire.OpCreate, true
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
