package difftest

import (
	"bytes"
	"slices"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A Difference between the servers that is meant, or that no client can rely on. It
// is kept out of the streams, or evened out before lines are compared.
type Difference struct {
	Reason string
	How    string // the code that does it
}

// Differences is the whole list.
var Differences = []Difference{
	{
		Reason: "in paths that no znode has, the reference garbles characters above U+FFFF and bytes that are not UTF-8",
		How:    "answers.path",
	},
	{
		Reason: "a createTTL with a mode that is not of TTL and a bad TTL stops the reference, as a server",
		How:    "tame, strayTTL",
	},
	{
		Reason: "a check on its own that succeeds is never answered by the reference",
		How:    "generator: check only within a multi",
	},
	{
		Reason: "a stranger with a wrong password cuts off the session's connection at the reference",
		How:    "run.connect cuts it first",
	},
	{
		Reason: "setWatches tells of a znode that the client may not read",
		How:    "generator.paths",
	},
	{
		Reason: "a null path is refused by us in every request; the reference lets some have it, to no use",
		How:    "takesNullPath, generator.damage",
	},
	{
		Reason: "auth, sasl and unknown ops are answered by the reference before requests that were sent earlier",
		How:    "alone",
	},
	{
		Reason: "checkWatches tells anyone, at the reference, whether anyone watches; here whether the connection that asks does",
		How:    "answers.reply",
	},
	{
		Reason: "ACLs of scheme ip take IPv6 addresses here",
		How:    "generator.grant",
	},
	{
		Reason: "a comma between quotes in the name of an ACL of scheme x509 is refused here, since logs have been written by that rule",
		How:    "generator.name",
	},
	{
		Reason: "what is no quota is refused here as the data of a quota; the reference takes it and then fails",
		How:    "generator.dataOf, generator.damage",
	},
	{
		Reason: "a createContainer with a mode of ephemerals is one, at the reference, while it is in flight",
		How:    "tameContainer",
	},
	{
		Reason: "a reconfig that cannot be read takes no zxid at the reference",
		How:    "generator.damage",
	},
	{
		Reason: "a null string in a list, of ids or paths, reads as an empty one here, and a count below -1 as -1; the reference refuses the one and takes the other for 0",
		How:    "strayLengths",
	},
	{
		Reason: "a setACL does not hold yet for what is in flight behind it at the reference (its list of outstanding changes has the old one)",
		How:    "generator.batch ends with it",
	},
	{
		Reason: "a multi with a TTL mode in a part that has no TTL is refused, but what its parts would have done holds for what is in flight behind it at the reference",
		How:    "generator.batch ends with it",
	},
	{
		Reason: "what the parts of a multi before a part do counts for its quota here; the reference holds each part, and what is in flight behind a write, against the tree as it was, and so lets both go above a hard limit",
		How:    "Guarded: generator.multi has one part, generator.batch one request",
	},
	{
		Reason: "children, a connection's identities and the ephemerals of a session that ends come in the order of a hash table",
		How:    "answers.names, answers.record, run.sortEvents",
	},
}

// tame changes a createTTL that would stop the reference server.
func tame(r *wire.CreateTTLRequest) {
	ttlMode := r.Flags == wire.FlagPersistentTTL || r.Flags == wire.FlagPersistentSequentialTTL
	if !ttlMode && (r.TTL <= 0 || r.TTL >= 1<<40) {
		r.TTL = 3_600_000
	}
}

// tameContainer changes a createContainer that the reference might take for an
// ephemeral.
func tameContainer(op wire.Op, r *wire.CreateRequest) {
	if op == wire.OpCreateContainer && r.Flags&1 != 0 {
		r.Flags = wire.FlagContainer
	}
}

// strayTTL reports whether damage to q might make such a createTTL of it.
func strayTTL(q *Request) bool {
	return q.Op == wire.OpCreateTTL || q.Op == wire.OpMulti && bytes.Contains(q.Body, []byte{0, 0, 0, byte(wire.OpCreateTTL)})
}

// takesNullPath reports whether the reference lets op have a null path.
func takesNullPath(op wire.Op) bool {
	return slices.Contains([]wire.Op{wire.OpSetData, wire.OpSetACL, wire.OpSync, wire.OpRemoveWatches, wire.OpCheckWatches,
		wire.OpAddWatch, wire.OpGetEphemerals}, op)
}

// strayLengths are what a length somewhere in the body of op is damaged with.
func strayLengths(op wire.Op) []uint32 {
	switch op {
	case wire.OpSetWatches, wire.OpSetWatches2:
		return []uint32{0x7fff_ffff, 0}
	case wire.OpMulti, wire.OpMultiRead, wire.OpSetACL:
		return []uint32{0xffff_fffe, 0x7fff_ffff, 0}
	}
	return []uint32{0xffff_ffff, 0xffff_fffe, 0x7fff_ffff, 0}
}

// leavesChanges reports whether q is a multi that the reference does not undo for
// what is in flight behind it.
func leavesChanges(q *Request) bool {
	var m wire.MultiRequest
	if q.Op != wire.OpMulti || wire.Decode(q.Body, &m) != nil {
		return false
	}
	return slices.ContainsFunc(m.Ops, func(o wire.MultiOp) bool {
		r, ok := o.Request.(*wire.CreateRequest)
		return ok && (r.Flags == wire.FlagPersistentTTL || r.Flags == wire.FlagPersistentSequentialTTL)
	})
}
