package zkserver

import (
	"crypto/hmac"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A member without a leader cannot let clients write, and does not know what the
// others do meanwhile. ZooKeeper's read-only mode serves those who say that old
// state is better than none (ZooKeeper Administrator's Guide, "Experimental
// Options"): reads from what is here, and NotReadOnly for the rest. Their sessions
// are not in the log: a new one is made up, one that is known is lent its name.

// joinReadOnly gives the connection a session for as long as there is no leader.
func (c *conn) joinReadOnly(q *wire.ConnectRequest) error {
	r := c.srv.replica
	if !q.HasReadOnly || !q.ReadOnly {
		return errNotServing
	}
	if q.LastZxidSeen > r.lastZxid() {
		return errAhead
	}
	one := session.Session{ID: session.ID(q.SessionID), Timeout: c.srv.negotiate(q.TimeoutMillis)}
	if one.ID == 0 {
		one.ID = c.srv.newSessionID()
	} else if known, ok := r.session(one.ID); ok && hmac.Equal(r.password(one.ID), q.Password) {
		one = known
	} else {
		return errNotServing // it may well be known elsewhere: no word of an end
	}
	c.session, c.attach, c.timeout = one.ID, one.Attach, one.Timeout
	c.readOnly.Store(true)
	if !c.srv.isReadOnly() { // a leader has come back, which may have missed this connection
		return errNotServing
	}
	return c.welcome(q, one)
}

// session looks a session up.
func (r *replica) session(id session.ID) (session.Session, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sessions.Get(id)
}

// whenReadOnly is what becomes of an op on a connection that has no leader.
func (o *op) whenReadOnly(c *conn) *op {
	switch o.kind {
	case isWrite, isSync:
		return notReadOnly
	case isClose:
		if _, ok := c.srv.replica.session(c.session); ok {
			return cannotClose
		}
		return closeHere
	}
	return o
}

var (
	notReadOnly = &op{read: refuseReadOnly}
	cannotClose = &op{kind: isLast, read: refuseReadOnly}
	closeHere   = &op{kind: isLast, read: readNothing}
)

// refuseReadOnly says that there is no leader to write.
func refuseReadOnly(_ *view, _ *wire.Decoder, b []byte) ([]byte, wire.Code) {
	return b, wire.NotReadOnly
}
