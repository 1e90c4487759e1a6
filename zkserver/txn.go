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
// bytes and the rules of the command. What they return shares no memory with the
// decoder's input, which is a whole batch of the log.

// reconfigRule stands beside the tree's rules: reconfiguration is enabled.
const reconfigRule tree.Rules = 1 << 7

// createTxn is for create and create2. As in Apache ZooKeeper they make a
// container of the container's flag only as a part of a multi, and something
// that stays otherwise.
func createTxn(d *wire.Decoder, rules tree.Rules) (txn, wire.Code) {
	var q wire.CreateRequest
	q.Decode(d)
	if d.Err() != nil {
		return txn{}, wire.MarshallingError
	}
	mode, ok := createModes[q.Flags]
	switch {
	case q.Flags == wire.FlagContainer && rules&tree.NoContainers == 0:
		mode = tree.Persistent
	case q.Flags == wire.FlagContainer, isTTL(q.Flags) && rules&tree.NoTTL != 0:
		return txn{}, wire.Unimplemented
	case !ok:
		return txn{}, wire.BadArguments
	}
	return txn{op: createOp(&q, mode)}, wire.OK
}

// createContainerTxn makes a container, whatever the flags say, but for a name
// that is to be sequential.
func createContainerTxn(d *wire.Decoder, rules tree.Rules) (txn, wire.Code) {
	var q wire.CreateRequest
	q.Decode(d)
	if d.Err() != nil {
		return txn{}, wire.MarshallingError
	}
	switch q.Flags {
	case wire.FlagPersistent, wire.FlagEphemeral, wire.FlagContainer:
		return txn{op: createOp(&q, tree.Container)}, wire.OK
	case wire.FlagSequential, wire.FlagEphemeralSequential:
		return txn{op: createOp(&q, tree.ContainerSequential)}, wire.OK
	}
	return txn{}, noMode(q.Flags, rules)
}

// createTTLTxn refuses the flags that mean no TTL. Apache ZooKeeper does so
// unless the TTL is negative, and then stops.
func createTTLTxn(d *wire.Decoder, rules tree.Rules) (txn, wire.Code) {
	var q wire.CreateTTLRequest
	q.Decode(d)
	if d.Err() != nil {
		return txn{}, wire.MarshallingError
	}
	if !isTTL(q.Flags) {
		return txn{}, wire.BadArguments
	}
	return txn{op: createTTLOp(&q)}, wire.OK
}

// noMode is the answer to flags that mean nothing in the request they came in.
func noMode(flags int32, rules tree.Rules) wire.Code {
	if isTTL(flags) && rules&tree.NoTTL != 0 {
		return wire.Unimplemented
	}
	return wire.BadArguments
}

func isTTL(flags int32) bool {
	return flags == wire.FlagPersistentTTL || flags == wire.FlagPersistentSequentialTTL
}

var createModes = map[int32]tree.Mode{
	wire.FlagPersistent:          tree.Persistent,
	wire.FlagEphemeral:           tree.Ephemeral,
	wire.FlagSequential:          tree.PersistentSequential,
	wire.FlagEphemeralSequential: tree.EphemeralSequential,
}

func createOp(q *wire.CreateRequest, mode tree.Mode) tree.Create {
	return tree.Create{Path: q.Path, Data: bytes.Clone(q.Data), ACL: treeACL(q.ACL), Mode: mode}
}

func createTTLOp(q *wire.CreateTTLRequest) tree.Create {
	mode := tree.PersistentTTL
	if q.Flags == wire.FlagPersistentSequentialTTL {
		mode = tree.PersistentSequentialTTL
	}
	op := createOp(&wire.CreateRequest{Path: q.Path, Data: q.Data, ACL: q.ACL}, mode)
	op.TTL = q.TTL
	return op
}

func deleteTxn(d *wire.Decoder, _ tree.Rules) (txn, wire.Code) {
	var q wire.DeleteRequest
	q.Decode(d)
	return txn{op: tree.Delete(q)}, marshalled(d)
}

func setDataTxn(d *wire.Decoder, _ tree.Rules) (txn, wire.Code) {
	var q wire.SetDataRequest
	q.Decode(d)
	return txn{op: tree.SetData{Path: q.Path, Data: bytes.Clone(q.Data), Version: q.Version}}, marshalled(d)
}

func setACLTxn(d *wire.Decoder, _ tree.Rules) (txn, wire.Code) {
	var q wire.SetACLRequest
	q.Decode(d)
	return txn{op: tree.SetACL{Path: q.Path, ACL: treeACL(q.ACL), Version: q.Version}}, marshalled(d)
}

func checkTxn(d *wire.Decoder, _ tree.Rules) (txn, wire.Code) {
	var q wire.CheckRequest
	q.Decode(d)
	return txn{op: tree.Check(q)}, marshalled(d)
}

// deleteContainerTxn refuses what only the server itself may ask for, as the
// releases do that know of CVE-2026-79993.
func deleteContainerTxn(*wire.Decoder, tree.Rules) (txn, wire.Code) {
	return txn{}, wire.BadArguments
}

func multiTxn(d *wire.Decoder, _ tree.Rules) (txn, wire.Code) {
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
		op, name := multiCreate(q)
		return op, name, true
	case *wire.CreateTTLRequest:
		if isTTL(q.Flags) {
			return createTTLOp(q), wire.OpCreate2, true
		}
		op, name := multiCreate(&wire.CreateRequest{Path: q.Path, Data: q.Data, ACL: q.ACL, Flags: q.Flags})
		return op, name, true
	case *wire.DeleteRequest:
		return tree.Delete(*q), part.Op, true
	case *wire.SetDataRequest:
		return tree.SetData{Path: q.Path, Data: bytes.Clone(q.Data), Version: q.Version}, part.Op, true
	case *wire.CheckRequest:
		return tree.Check(*q), part.Op, true
	}
	return nil, 0, false // a read
}

// multiCreate goes by the flags alone, as Apache ZooKeeper does (Op.create):
// create, create2, createContainer and createTTL mean the same in a multi, and
// the reply is create's, or create2's for what has no mode of create.
func multiCreate(q *wire.CreateRequest) (tree.Op, wire.Op) {
	mode, ok := createModes[q.Flags]
	switch {
	case ok:
		return createOp(q, mode), wire.OpCreate
	case q.Flags == wire.FlagContainer:
		return createOp(q, tree.Container), wire.OpCreate2
	case isTTL(q.Flags):
		return tree.Refused{Err: tree.ErrUndecodable}, wire.OpCreate2 // without a TTL
	}
	return tree.Refused{Err: tree.ErrBadArguments}, wire.OpCreate
}

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
