package zkserver

import (
	"strings"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/watch"
	"github.com/mwqueue/mw/zkserver/wire"
)

// The read functions of the table of ops, and those that refuse.

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
	_, stat, err := v.tree.Get(q.Path, v.conn.ids)
	n := v.below
	if stat.NumChildren == 0 {
		n = 0
	}
	return wire.AppendInt32(b, int32(n)), codeOf(err)
}

// countBelow is the long part of a getAllChildrenNumber. It holds the lock for a
// part of the tree at a time, so that writes go on: the count may be that of no
// one moment, as in Apache ZooKeeper, but has all that the connection has seen.
func (r *replica) countBelow(c *conn, body []byte) (n int) {
	var q wire.PathRequest
	d := wire.NewDecoder(body)
	if q.Decode(&d); d.Err() != nil {
		return 0
	}
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	c.mu.Lock()
	ids := c.ids
	c.mu.Unlock()
	r.mu.RLock()
	_, stat, err := r.tree.Get(q.Path, ids)
	r.mu.RUnlock()
	if err != nil || stat.NumChildren == 0 {
		return 0
	}
	for part := range tree.Parts {
		r.mu.RLock()
		n += r.tree.CountBelow(q.Path, part)
		r.mu.RUnlock()
	}
	return n
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
