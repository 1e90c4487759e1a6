package zkserver

import (
	"net"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// FuzzRequest sends one request with any op and body, as a read and as a
// command from the log.
func FuzzRequest(f *testing.F) {
	for op := range ops {
		if r := wire.NewRequest(op); r != nil {
			f.Add(int32(op), r.Append(nil))
		}
	}
	create := wire.CreateRequest{Path: "/a", ACL: []wire.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}}
	multi := wire.MultiRequest{Ops: []wire.MultiOp{{Op: wire.OpCreate, Request: &create}}}
	f.Add(int32(wire.OpCreate), create.Append(nil))
	f.Add(int32(wire.OpMulti), multi.Append(nil))

	b := newRig(f)
	near, far := net.Pipe()
	f.Cleanup(func() { near.Close() })
	c := newConn(b.Server, far, addrOf(far))
	b.replica.join(c)
	b.replica.sessions.Create(1, time.Minute)
	c.session = 1
	auth := appendIdentities(nil, []tree.ID{{Scheme: "digest", ID: "a:b"}})

	f.Fuzz(func(t *testing.T, code int32, body []byte) {
		o := opFor(wire.Op(code))
		c.queue.out = nil
		if o.read != nil {
			end := b.replica.read(c, 1, o, body, false)
			var h wire.ReplyHeader
			if end == nil {
				end = wire.Decode(c.queue.out[4:], &h)
			}
			if end != nil && end != errBadFrame {
				t.Errorf("no reply: %v", end)
			}
		}
		var q wire.AuthRequest
		if wire.Decode(body, &q) == nil {
			c.authenticate(&q)
		}
		h := wire.RequestHeader{Xid: 1, Op: wire.Op(code)}
		cmd := command{kind: doRequest, session: 1, authSet: auth, request: append(h.Append(nil), body...)}
		b.propose(0, cmd)
		b.apply()
		b.replica.sessions.Create(1, time.Minute)
	})
}
