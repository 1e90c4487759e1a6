package zkserver

import (
	"context"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A kind says which way a request goes.
type kind uint8

const (
	isRead    kind = iota // answered from the tree here, see read.go
	isWrite               // through the log, see write.go
	isSync                // answered after a ReadIndex, see sync.go; so may reads be
	isAuth                // changes the connection, see auth.go
	isClose               // a write, and the connection's last request
	isUnknown             // answered Unimplemented, and the connection's last request
	isLast                // a read, and the connection's last request
)

// An op is a row of the table: all the server knows about one kind of request.
type op struct {
	kind kind

	// txn turns a write's body into what is applied to the tree.
	txn func(d *wire.Decoder, rules tree.Rules) (txn, wire.Code)

	// prepare, if there is one, gives the body to propose for a write's, or nil for
	// the same one, to which it may have written: see prepare.go.
	prepare func(o wire.Op, rules tree.Rules, body []byte) []byte

	// early says that a body which does not decode is answered without a
	// place in the total order.
	early bool

	// alone says that no other write of the connection is proposed before it is
	// answered: its apply is not its end.
	alone bool

	// result appends the body of the reply to a write that succeeded, or to
	// a multi.
	result func(b []byte, t *applied) []byte

	// read appends the body of the reply to a read. With a code other than
	// OK what it appended is dropped.
	read func(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code)

	// full says that what read appended is sent with an error, too.
	full bool

	// bare says that the reply has no body and that read appends whole
	// frames (events) that go before it.
	bare bool

	// shows says that the reply to a read shows the state of the tree.
	shows bool

	// counts says that the replica counts the znodes below the path before
	// read is called.
	counts bool

	// xid is shown in the reply's header in place of the request's, if it is
	// not 0.
	xid int32

	// zxid is shown in the reply's header in place of the last applied one.
	zxid headerZxid
}

type headerZxid uint8

const (
	lastZxid headerZxid = iota
	zeroZxid            // 0, for auth
	noZxid              // -1, for an op that is not known
)

// ops is the table, complete for ZooKeeper 3.8.
var ops = map[wire.Op]*op{
	wire.OpCreate:          {kind: isWrite, txn: createTxn, prepare: prepareNames, result: pathResult},
	wire.OpCreate2:         {kind: isWrite, txn: createTxn, prepare: prepareNames, result: path2Result},
	wire.OpCreateContainer: {kind: isWrite, txn: createContainerTxn, prepare: prepareNames, result: path2Result},
	wire.OpCreateTTL:       {kind: isWrite, txn: createTTLTxn, prepare: prepareNames, result: path2Result},
	wire.OpDeleteContainer: {kind: isWrite, txn: deleteContainerTxn, result: noResult},
	wire.OpDelete:          {kind: isWrite, txn: deleteTxn, result: noResult},
	wire.OpSetData:         {kind: isWrite, txn: setDataTxn, result: statResult},
	wire.OpSetACL:          {kind: isWrite, txn: setACLTxn, prepare: prepareNames, result: statResult},
	wire.OpCheck:           {kind: isWrite, txn: checkTxn, result: noResult},
	wire.OpMulti:           {kind: isWrite, txn: multiTxn, prepare: prepareNames, result: multiResult},
	wire.OpReconfig:        {kind: isWrite, prepare: prepareReconfig, result: configResult, early: true, alone: true},

	wire.OpExists:               {read: readExists, shows: true},
	wire.OpGetData:              {read: readData, shows: true},
	wire.OpGetACL:               {read: readACL, shows: true},
	wire.OpGetChildren:          {read: readChildren, shows: true},
	wire.OpGetChildren2:         {read: readChildren2, shows: true},
	wire.OpGetAllChildrenNumber: {read: readChildrenNumber, shows: true, counts: true},
	wire.OpGetEphemerals:        {read: readEphemerals, shows: true},
	wire.OpMultiRead:            {read: readMulti, shows: true, full: true},
	wire.OpWhoAmI:               {read: readWhoAmI},
	wire.OpPing:                 {read: readNothing, xid: wire.XidPing},

	wire.OpSetWatches:    {read: setWatches, bare: true},
	wire.OpSetWatches2:   {read: setWatches2, bare: true},
	wire.OpAddWatch:      {read: addWatch},
	wire.OpCheckWatches:  {read: checkWatches},
	wire.OpRemoveWatches: {read: removeWatches},

	wire.OpSync:         {kind: isSync, read: readSync},
	wire.OpAuth:         {kind: isAuth, read: readNothing, zxid: zeroZxid},
	wire.OpCloseSession: {kind: isClose, result: noResult},
	wire.OpSASL:         {read: readSASL, zxid: zeroZxid},
}

// These rows answer requests that have no row, or whose outcome is known.
var (
	unknownOp   = &op{kind: isUnknown, read: unimplemented, zxid: noZxid}
	authFailed  = &op{read: refuseAuth, zxid: zeroZxid}
	undecodable = &op{read: refuseBody}
	authCut     = &op{read: endConn}
	diskFull    = &op{read: refuseWrite}
)

func opFor(code wire.Op) *op {
	if o, ok := ops[code]; ok {
		return o
	}
	return unknownOp
}

// dispatch sends one request on its way. It reports whether more requests may
// follow. The frame is the caller's again when it returns.
func (c *conn) dispatch(ctx context.Context, frame []byte) (more bool, err error) {
	d := wire.NewDecoder(frame)
	var h wire.RequestHeader
	h.Decode(&d)
	if d.Err() != nil {
		return false, errBadFrame
	}
	o := opFor(h.Op)
	if c.readOnly.Load() {
		o = o.whenReadOnly(c)
	}
	switch o.kind {
	case isWrite:
		if o.early && wire.Decode(d.Rest(), wire.NewRequest(h.Op)) != nil {
			return true, c.serve(h.Xid, undecodable, nil)
		}
		return true, c.submit(ctx, h.Xid, o, frame)
	case isClose:
		return false, c.submit(ctx, h.Xid, o, frame)
	case isSync:
		return true, c.sync(h.Xid, o, d.Rest())
	case isAuth:
		return c.auth(h.Xid, o, d.Rest())
	case isUnknown, isLast:
		return false, c.serve(h.Xid, o, nil)
	}
	if o.shows && c.srv.confirms && !c.readOnly.Load() {
		return true, c.sync(h.Xid, o, d.Rest())
	}
	return true, c.serve(h.Xid, o, d.Rest())
}
