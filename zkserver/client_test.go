package zkserver_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// openACL lets everyone do everything.
var openACL = []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}}

// A client speaks the protocol frame by frame, so that a test says exactly what
// is sent, and sees exactly what comes back. Its methods fail the test.
type client struct {
	t    testing.TB
	nc   net.Conn
	br   *bufio.Reader
	xid  int32
	conn wire.ConnectResponse // of the handshake
}

// A reply is a frame from the server.
type reply struct {
	wire.ReplyHeader
	body []byte
}

// dial connects without a handshake.
func dial(t testing.TB, s *zktest.Server) *client {
	t.Helper()
	nc, err := s.Dial(context.Background(), "tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &client{t: t, nc: nc, br: bufio.NewReader(nc)}
}

// connect dials and starts a new session.
func connect(t testing.TB, s *zktest.Server) *client {
	t.Helper()
	c := dial(t, s)
	if !c.handshake(wire.ConnectRequest{TimeoutMillis: 10_000}) {
		t.Fatal("no session")
	}
	return c
}

// reconnect dials and attaches to the session of old.
func reconnect(t testing.TB, s *zktest.Server, old *client) (c *client, ok bool) {
	t.Helper()
	c = dial(t, s)
	return c, c.handshake(wire.ConnectRequest{
		TimeoutMillis: old.conn.TimeoutMillis,
		SessionID:     old.conn.SessionID,
		Password:      old.conn.Password,
	})
}

// handshake reports whether the server gave a session.
func (c *client) handshake(q wire.ConnectRequest) bool {
	c.t.Helper()
	if q.Password == nil {
		q.Password = make([]byte, 16)
	}
	c.write(frame(&q))
	c.decode(c.frame(), &c.conn)
	return c.conn.SessionID != 0
}

// frame returns the records behind each other as one frame.
func frame(records ...wire.Record) []byte {
	b, start := wire.BeginFrame(nil)
	for _, r := range records {
		b = r.Append(b)
	}
	return wire.EndFrame(b, start)
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// frame reads the next frame.
func (c *client) frame() []byte {
	c.t.Helper()
	c.nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	b, err := wire.ReadFrame(c.br, nil, 64<<20)
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return b
}

// closed fails unless the server closes without sending anything more.
func (c *client) closed() {
	c.t.Helper()
	c.nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	b, err := c.br.ReadByte()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("connection is open: read %#x, %v", b, err)
	}
}

func (c *client) decode(b []byte, r wire.Record) {
	c.t.Helper()
	if err := wire.Decode(b, r); err != nil {
		c.t.Fatalf("decode %T: %v", r, err)
	}
}

// request is the frame of a request with the client's next xid.
func (c *client) request(op wire.Op, body wire.Record) []byte {
	c.xid++
	return frame(&wire.RequestHeader{Xid: c.xid, Op: op}, body)
}

// send sends a request and does not wait for the reply.
func (c *client) send(op wire.Op, body wire.Record) (xid int32) {
	c.t.Helper()
	c.write(c.request(op, body))
	return c.xid
}

// reply reads the next frame, which may be an event.
func (c *client) reply() reply {
	c.t.Helper()
	var r reply
	b := c.frame()
	d := wire.NewDecoder(b)
	r.ReplyHeader.Decode(&d)
	if d.Err() != nil {
		c.t.Fatalf("decode header of %x: %v", b, d.Err())
	}
	r.body = d.Rest()
	return r
}

// event reads the next frame, which must be an event.
func (c *client) event() wire.WatcherEvent {
	c.t.Helper()
	r := c.reply()
	if r.Xid != wire.XidWatch || r.Zxid != -1 || r.Err != wire.OK {
		c.t.Fatalf("got %+v, want an event", r.ReplyHeader)
	}
	var e wire.WatcherEvent
	c.decode(r.body, &e)
	return e
}

// do sends a request, reads its reply and decodes the body into out, if that is
// not nil and the code is OK.
func (c *client) do(op wire.Op, body, out wire.Record) reply {
	c.t.Helper()
	xid := c.send(op, body)
	r := c.reply()
	if r.Xid != xid {
		c.t.Fatalf("%v: reply has xid %d, want %d", op, r.Xid, xid)
	}
	if out != nil && r.Err == wire.OK {
		c.decode(r.body, out)
	}
	return r
}

// create makes a znode that everyone may do everything with.
func (c *client) create(path, data string, flags int32) string {
	c.t.Helper()
	var out wire.CreateResponse
	q := wire.CreateRequest{Path: path, Data: []byte(data), ACL: openACL, Flags: flags}
	if r := c.do(wire.OpCreate, &q, &out); r.Err != wire.OK {
		c.t.Fatalf("create %s: %v", path, r.Err)
	}
	return out.Path
}

func (c *client) set(path, data string) wire.Stat {
	c.t.Helper()
	var out wire.StatResponse
	if r := c.do(wire.OpSetData, &wire.SetDataRequest{Path: path, Data: []byte(data), Version: -1}, &out); r.Err != wire.OK {
		c.t.Fatalf("setData %s: %v", path, r.Err)
	}
	return out.Stat
}

func (c *client) get(path string, watch bool) (string, wire.Stat, wire.Code) {
	c.t.Helper()
	var out wire.GetDataResponse
	r := c.do(wire.OpGetData, &wire.PathWatchRequest{Path: path, Watch: watch}, &out)
	return string(out.Data), out.Stat, r.Err
}

func (c *client) exists(path string, watch bool) bool {
	c.t.Helper()
	switch r := c.do(wire.OpExists, &wire.PathWatchRequest{Path: path, Watch: watch}, nil); r.Err {
	case wire.OK:
		return true
	case wire.NoNode:
		return false
	default:
		c.t.Fatalf("exists %s: %v", path, r.Err)
		return false
	}
}

// ping is a round trip: all that was sent before has been seen by the server.
func (c *client) ping() reply {
	c.t.Helper()
	c.write(frame(&wire.RequestHeader{Xid: wire.XidPing, Op: wire.OpPing}))
	return c.reply()
}

// drained fails unless the server sends n more bytes and then closes.
func (c *client) rest() []byte {
	c.t.Helper()
	c.nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	b, err := io.ReadAll(c.br)
	if err != nil {
		c.t.Fatalf("read to the end: %v", err)
	}
	return b
}
