package zkserver

import (
	"slices"
	"strings"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/watch"
	"github.com/mwqueue/mw/zkserver/wire"
)

// serve answers a read: at once when nothing is before it, else when its turn
// comes. body may alias the receive buffer.
func (c *conn) serve(xid int32, o *op, body []byte) error {
	c.mu.Lock()
	idle := c.queue.len() == 0
	c.mu.Unlock()
	if idle {
		// Only readLoop, which calls serve, adds to the queue: it is still
		// empty.
		c.srv.replica.read(c, xid, o, body, false)
		return nil
	}
	return c.enqueue(request{xid: xid, stage: ready, op: o, body: slices.Clone(body), size: len(body), since: c.srv.clock()})
}

// A view is what a read sees: the state between two writes. It is good until
// the read returns.
type view struct {
	*replica
	conn *conn        // its mu is locked
	body wire.Decoder // of the request
}

// read serves one request from the tree and appends the reply to the
// connection's output. queued says that the request is the oldest of the queue,
// and is to be taken off it.
//
// Everything happens under one hold of both locks: so the watch a read sets
// sees every change that the reply does not show, and the change's event, which
// apply appends, comes after the reply.
func (r *replica) read(c *conn, xid int32, o *op, body []byte, queued bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	v := &c.view
	*v = view{replica: r, conn: c, body: wire.NewDecoder(body)}
	b := c.queue.out
	code := wire.OK
	if o.bare {
		b, code = o.read(v, &v.body, b)
	}
	h := wire.ReplyHeader{Xid: xid, Zxid: r.headerZxid(o.zxid), Err: code}
	b, start := wire.BeginFrame(b)
	b = h.Append(b)
	if end := len(b); !o.bare {
		if b, code = o.read(v, &v.body, b); code != wire.OK {
			b = setCode(b[:end], code)
		}
	}
	c.queue.out = wire.EndFrame(b, start)
	c.sent++
	c.view.body = wire.Decoder{} // it keeps the frame
	if queued {
		r.answered(c)
	}
}

func (r *replica) headerZxid(rule headerZxid) int64 {
	switch rule {
	case zeroZxid:
		return 0
	case noZxid:
		return -1
	}
	return r.zxid
}

// answered takes the oldest request of c, whose reply is in the output, off the
// queue. c.mu is locked.
func (r *replica) answered(c *conn) {
	size := c.queue.oldest().size
	c.queue.pop()
	r.held.Add(-int64(size))
	c.room.Signal()
}

func readExists(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.PathWatchRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	stat, err := v.tree.Exists(q.Path)
	if err != nil && err != tree.ErrNoNode {
		return b, codeOf(err)
	}
	if q.Watch && !v.watch(watch.Data, q.Path) {
		return b, wire.ThrottledOp
	}
	return appendStat(b, stat), codeOf(err)
}

func readData(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.PathWatchRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	return v.data(q, b)
}

func (v *view) data(q wire.PathWatchRequest, b []byte) ([]byte, wire.Code) {
	data, stat, err := v.tree.Get(q.Path, v.conn.ids)
	if err != nil {
		return b, codeOf(err)
	}
	if q.Watch && !v.watch(watch.Data, q.Path) {
		return b, wire.ThrottledOp
	}
	return appendStat(wire.AppendBytes(b, data), stat), wire.OK
}

func readChildren(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	b, _, code := v.children(d, b)
	return b, code
}

func readChildren2(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	b, stat, code := v.children(d, b)
	return appendStat(b, stat), code
}

func (v *view) children(d *wire.Decoder, b []byte) ([]byte, tree.Stat, wire.Code) {
	var q wire.PathWatchRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, tree.Stat{}, wire.MarshallingError
	}
	names, stat, err := v.tree.Children(q.Path, v.conn.ids)
	if err != nil {
		return b, stat, codeOf(err)
	}
	if q.Watch && !v.watch(watch.Child, q.Path) {
		return b, stat, wire.ThrottledOp
	}
	return wire.AppendStrings(b, names), stat, wire.OK
}

func readACL(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.PathRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	acl, stat, err := v.tree.ACL(q.Path, v.conn.ids)
	if err != nil {
		return b, codeOf(err)
	}
	reply := wire.GetACLResponse{ACL: make([]wire.ACL, len(acl)), Stat: wire.Stat(stat)}
	for i, a := range acl {
		reply.ACL[i] = wire.ACL(a)
	}
	return reply.Append(b), wire.OK
}

func readChildrenNumber(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.PathRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	n, err := v.tree.ChildrenNumber(q.Path, v.conn.ids)
	return wire.AppendInt32(b, int32(n)), codeOf(err)
}

// readEphemerals lists the ephemeral znodes of the session that asks.
func readEphemerals(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.PathRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	return wire.AppendStrings(b, v.tree.Ephemerals(int64(v.conn.session), q.Path)), wire.OK
}

// readMulti serves several reads of one state. Unlike a multi it goes on after
// an error.
func readMulti(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.MultiRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	start := len(b)
	for _, part := range q.Ops {
		p, ok := part.Request.(*wire.PathWatchRequest)
		if !ok {
			return b, wire.MarshallingError
		}
		b = v.part(part.Op, p.Path, b)
		if len(b)-start > maxReply {
			return b, wire.BadArguments
		}
	}
	return appendMultiEnd(b), wire.OK
}

// part appends one result of a multiRead.
func (v *view) part(o wire.Op, path string, b []byte) []byte {
	start := len(b)
	h := wire.MultiHeader{Op: o}
	b = h.Append(b)
	var err error
	switch o {
	case wire.OpGetData:
		var data []byte
		var stat tree.Stat
		data, stat, err = v.tree.Get(path, v.conn.ids)
		b = appendStat(wire.AppendBytes(b, data), stat)
	case wire.OpGetChildren:
		var names []string
		names, _, err = v.tree.Children(path, v.conn.ids)
		b = wire.AppendStrings(b, names)
	default:
		err = tree.ErrBadArguments
	}
	if err != nil {
		return appendMultiError(b[:start], codeOf(err))
	}
	return b
}

// readWhoAmI lists the identities of the connection, without secrets.
func readWhoAmI(v *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var reply wire.WhoAmIResponse
	for _, id := range v.conn.ids {
		user := id.ID
		if id.Scheme == schemeDigest {
			user, _, _ = strings.Cut(user, ":")
		}
		reply.IDs = append(reply.IDs, wire.ID{Scheme: id.Scheme, ID: user})
	}
	return reply.Append(b), wire.OK
}

// readSync answers a sync, after its ReadIndex. The path is not looked at.
func readSync(_ *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.PathRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	return wire.AppendString(b, q.Path), wire.OK
}

func readNothing(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) { return b, wire.OK }

func unimplemented(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	return b, wire.Unimplemented
}

func refuseAuth(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) { return b, wire.AuthFailed }

// refuseWrite says that nothing was done and that the client may try again.
func refuseWrite(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) { return b, wire.ThrottledOp }

func refuseReconfig(_ *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.ReconfigRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	return b, wire.ReconfigDisabled
}
