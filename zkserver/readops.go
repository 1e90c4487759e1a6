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
	if strings.IndexByte(q.Path, 0) >= 0 {
		return b, wire.BadArguments // the one read that looks at its path
	}
	if q.Watch && !v.watch(watch.Data, q.Path) {
		return b, wire.OperationTimeout
	}
	reply := wire.StatResponse{Stat: wire.Stat(stat)}
	return reply.Append(b), codeOf(err)
}

func readData(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.PathWatchRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	data, stat, err := v.tree.Get(q.Path, v.conn.ids)
	if err != nil {
		return b, codeOf(err)
	}
	if q.Watch && !v.watch(watch.Data, q.Path) {
		return b, wire.OperationTimeout
	}
	reply := wire.GetDataResponse{Data: data, Stat: wire.Stat(stat)}
	return reply.Append(b), wire.OK
}

func readChildren(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	names, _, code := v.children(d)
	reply := wire.ChildrenResponse{Children: names}
	return reply.Append(b), code
}

func readChildren2(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	names, stat, code := v.children(d)
	reply := wire.Children2Response{Children: names, Stat: wire.Stat(stat)}
	return reply.Append(b), code
}

func (v *view) children(d *wire.Decoder) ([]string, tree.Stat, wire.Code) {
	var q wire.PathWatchRequest
	q.Decode(d)
	if d.Err() != nil {
		return nil, tree.Stat{}, wire.MarshallingError
	}
	names, stat, err := v.tree.Children(q.Path, v.conn.ids)
	if err != nil {
		return nil, stat, codeOf(err)
	}
	if q.Watch && !v.watch(watch.Child, q.Path) {
		return nil, stat, wire.OperationTimeout
	}
	return names, stat, wire.OK
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
	reply := wire.CountResponse{Count: int32(v.below)}
	switch {
	case stat.NumChildren == 0:
		reply.Count = 0
	case q.Path == "":
		reply.Count++ // is not the root here, but above it
	}
	return reply.Append(b), codeOf(err)
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
	var q wire.PrefixRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	if trimmed := strings.TrimSpace(q.Prefix); trimmed == "" || trimmed == "/" {
		q.Prefix = ""
	}
	reply := wire.ChildrenResponse{Children: v.tree.Ephemerals(int64(v.conn.session), q.Prefix)}
	return reply.Append(b), wire.OK
}

// readMulti serves several reads of one state. Unlike a multi it goes on after
// an error, but not after a write: then the reply ends behind the results so far.
func readMulti(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.MultiRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	if !q.Fits(wire.OpMultiRead) && !q.Fits(wire.OpMulti) {
		return b, wire.MarshallingError // some of each
	}
	start := len(b)
	for _, part := range q.Ops {
		p, ok := part.Request.(*wire.PathWatchRequest)
		if !ok {
			return wire.AppendMultiEnd(b), wire.MarshallingError
		}
		b = v.part(part.Op, p.Path, b)
		if len(b)-start > maxReply {
			return b[:start], wire.BadArguments
		}
	}
	return wire.AppendMultiEnd(b), wire.OK
}

// part appends one result of a multiRead.
func (v *view) part(o wire.Op, path string, b []byte) []byte {
	var reply wire.Record
	var err error
	switch o {
	case wire.OpGetData:
		data, stat, e := v.tree.Get(path, v.conn.ids)
		reply, err = &wire.GetDataResponse{Data: data, Stat: wire.Stat(stat)}, e
	case wire.OpGetChildren:
		names, _, e := v.tree.Children(path, v.conn.ids)
		reply, err = &wire.ChildrenResponse{Children: names}, e
	default:
		err = tree.ErrBadArguments
	}
	if err != nil {
		return wire.Failed(codeOf(err)).Append(b)
	}
	return wire.MultiResult{Op: o, Reply: reply}.Append(b)
}

// readWhoAmI lists the identities of the connection, without secrets. A super user
// has no name, as the reference has it.
func readWhoAmI(v *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var reply wire.WhoAmIResponse
	for _, id := range v.conn.ids {
		user := id.ID
		switch id.Scheme {
		case schemeDigest:
			user, _, _ = strings.Cut(user, ":")
		case schemeSuper:
			user = ""
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
	reply := wire.PathResponse(q)
	return reply.Append(b), wire.OK
}

func readNothing(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) { return b, wire.OK }

func unimplemented(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	return b, wire.Unimplemented
}

// endConn ends the connection without a reply.
func endConn(v *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	v.fault = errBadFrame
	return b, wire.OK
}

func refuseAuth(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) { return b, wire.AuthFailed }

func refuseBody(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	return b, wire.MarshallingError
}

// refuseWrite says that nothing was done and that the client may try again. Of
// the codes that mean this it is the one every client library knows: kazoo's and
// Go's are at a loss with ThrottledOp, and Curator's and kazoo's retries take this
// one for what it is.
func refuseWrite(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	return b, wire.OperationTimeout
}

// readSASL answers as a server without SASL does: with no token to one, and with
// the end of the connection to what holds none.
func readSASL(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.SASLRequest
	q.Decode(d)
	if d.Err() != nil || q.Token == nil {
		v.fault = errBadFrame
	}
	var reply wire.SASLResponse
	return reply.Append(b), wire.OK
}
