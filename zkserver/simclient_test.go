package zkserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/storm/history"
	"github.com/mwqueue/mw/zkserver/wire"
)

// simTimeout is that of the clients' sessions.
const simTimeout = time.Second

// A simClient speaks the protocol by itself, one request at a time, and notes what
// it sees. It goes from member to member as it likes.
type simClient struct {
	sim  *simRun
	name string
	rng  *rand.Rand

	nc       net.Conn
	br       *bufio.Reader
	session  int64
	password []byte
	shown    int64 // the highest zxid
	xid      int32
	written  int
	watched  map[string]bool // whether it was there; survives connections
}

func (c *simClient) note(o history.Op) {
	o.Client = c.name
	c.sim.rec.Add(o)
}

// now is the time of the bubble.
func (s *simRun) now() int64 { return int64(time.Since(s.start)) + 1 }

// connect finds a member that serves, and reports whether there was one before ctx
// ended.
func (c *simClient) connect(ctx context.Context) bool {
	for ctx.Err() == nil {
		if err := c.greet(ctx, 1+c.rng.IntN(len(c.sim.members))); err == nil && c.watchAgain() == nil {
			return true
		}
		c.hangUp()
		sleep(ctx, time.Duration(c.rng.Int64N(int64(50*time.Millisecond))))
	}
	return false
}

// greet attaches the session at a member, or opens one.
func (c *simClient) greet(ctx context.Context, member int) error {
	limit, cancel := context.WithTimeout(ctx, simTimeout/3)
	defer cancel()
	begin := c.sim.now()
	nc, err := c.sim.net.dial(limit, 0, clientAddr(member))
	if err != nil {
		return err
	}
	c.nc, c.br = nc, bufio.NewReader(nc)
	q := wire.ConnectRequest{LastZxidSeen: c.shown, TimeoutMillis: int32(simTimeout.Milliseconds()), SessionID: c.session, Password: c.password}
	b, start := wire.BeginFrame(nil)
	nc.Write(wire.EndFrame(q.Append(b), start))
	nc.SetReadDeadline(time.Now().Add(simTimeout * 2 / 3))
	frame, err := wire.ReadFrame(c.br, nil, wire.MaxFrame)
	if err != nil {
		return err
	}
	var r wire.ConnectResponse
	if err := wire.Decode(frame, &r); err != nil {
		return err
	}
	if r.SessionID == 0 {
		at := c.sim.now()
		c.note(history.Op{Kind: history.Expired, Session: c.session, Number: int64(simTimeout), Begin: at, End: at, Code: history.OK})
		c.session, c.password, c.shown = 0, nil, 0
		for p := range c.watched { // they went with it
			c.note(history.Op{Kind: history.Event, Path: p, Begin: at, End: at, Code: history.OK})
		}
		clear(c.watched)
		return errors.New("expired")
	}
	c.session, c.password = r.SessionID, r.Password
	c.note(history.Op{Kind: history.Attached, Session: c.session, Begin: begin, End: c.sim.now(), Code: history.OK})
	return nil
}

// watchAgain sets the watches again on a new connection.
func (c *simClient) watchAgain() error {
	if len(c.watched) == 0 {
		return nil
	}
	q := wire.SetWatchesRequest{RelativeZxid: c.shown}
	for p, there := range c.watched {
		if there {
			q.Data = append(q.Data, p)
		} else {
			q.Exist = append(q.Exist, p)
		}
	}
	_, err := c.ask(-8, wire.OpSetWatches, &q, &wire.Empty{})
	return err
}

func (c *simClient) hangUp() {
	if c.nc != nil {
		c.nc.Close()
		c.nc = nil
	}
}

var errHungUp = errors.New("there is no connection any more")

// ask sends a request and returns how it was answered. With an error there was no
// answer, and no connection any more.
func (c *simClient) ask(xid int32, op wire.Op, body, reply wire.Record) (wire.Code, error) {
	c.send(xid, op, body)
	return c.answer(xid, op, reply)
}

func (c *simClient) send(xid int32, op wire.Op, body wire.Record) {
	b, start := wire.BeginFrame(nil)
	h := wire.RequestHeader{Xid: xid, Op: op}
	c.nc.Write(wire.EndFrame(body.Append(h.Append(b)), start))
}

// answer waits for the answer to the oldest request that has none.
func (c *simClient) answer(xid int32, op wire.Op, reply wire.Record) (wire.Code, error) {
	if c.nc == nil {
		return 0, errHungUp
	}
	c.nc.SetReadDeadline(time.Now().Add(simTimeout * 2 / 3))
	for {
		frame, err := wire.ReadFrame(c.br, nil, wire.MaxFrame)
		if err != nil {
			c.hangUp()
			return 0, err
		}
		d := wire.NewDecoder(frame)
		var r wire.ReplyHeader
		r.Decode(&d)
		if r.Xid == -1 {
			c.event(&d)
			continue
		}
		if r.Xid != xid {
			c.sim.fail("%s: answer to %d, want %d", c.name, r.Xid, xid)
		}
		if r.Zxid > 0 && r.Zxid < c.shown {
			c.sim.fail("%s: %v was shown zxid %#x after %#x", c.name, op, r.Zxid, c.shown)
		}
		c.shown = max(c.shown, r.Zxid)
		if r.Err == wire.OK {
			reply.Decode(&d)
		}
		return r.Err, d.Err()
	}
}

func (c *simClient) event(d *wire.Decoder) {
	var e wire.WatcherEvent
	e.Decode(d)
	at := c.sim.now()
	if _, ok := c.watched[e.Path]; ok {
		delete(c.watched, e.Path)
		c.note(history.Op{Kind: history.Event, Path: e.Path, Begin: at, End: at, Code: history.OK})
	} else {
		c.sim.fail("%s: an event of %s, which it does not watch", c.name, e.Path)
	}
}

// do carries out an operation and notes it, unless it certainly was not done.
func (c *simClient) do(o history.Op, call func(o *history.Op) (wire.Code, error)) history.Op {
	if o.Begin == 0 {
		o.Begin = c.sim.now()
	}
	o.Session, o.Conn = c.session, 1
	code, err := call(&o)
	o.End = c.sim.now()
	switch {
	case err != nil:
		o.Code, o.End = history.Unknown, 0
	case code == wire.OK:
		o.Code = history.OK
	case code == wire.NoNode:
		o.Code = history.NoNode
	case code == wire.NodeExists:
		o.Code = history.Exists
	case code == wire.BadVersion:
		o.Code = history.BadVersion
	case code == wire.OperationTimeout: // the disk is full: not done
		c.sim.refused.Add(1)
		return o
	default: // the session is over, or has moved: not done
		c.hangUp()
		return o
	}
	c.note(o)
	return o
}

func (c *simClient) value() string {
	c.written++
	return fmt.Sprintf("%s-%d", c.name, c.written)
}

func (c *simClient) next() int32 {
	c.xid++
	return c.xid
}

func (c *simClient) create(kind history.Kind, p string, flags int32) history.Op {
	return c.do(history.Op{Kind: kind, Path: p, Value: c.value()}, func(o *history.Op) (wire.Code, error) {
		q := wire.CreateRequest{Path: p, Data: []byte(o.Value), ACL: []wire.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, Flags: flags}
		if kind == history.Sequential {
			q.Path += "/n-"
		}
		var r wire.CreateResponse
		code, err := c.ask(c.next(), wire.OpCreate, &q, &r)
		if kind == history.Sequential && code == wire.OK && err == nil {
			o.Number, err = strconv.ParseInt(strings.TrimPrefix(path.Base(r.Path), "n-"), 10, 64)
		}
		return code, err
	})
}

func (c *simClient) set(p string, expect int32) history.Op {
	return c.do(history.Op{Kind: history.Set, Path: p, Value: c.value(), Expect: expect}, func(o *history.Op) (wire.Code, error) {
		var r wire.StatResponse
		code, err := c.ask(c.next(), wire.OpSetData, &wire.SetDataRequest{Path: p, Data: []byte(o.Value), Version: expect}, &r)
		o.Version, o.Zxid = r.Stat.Version, r.Stat.Mzxid
		return code, err
	})
}

// burst sends several writes of one znode and a read before it waits for the first
// answer. They must be done in this order.
func (c *simClient) burst(p string) {
	begin, first := c.sim.now(), c.xid+1
	var values []string
	for range 2 + c.rng.IntN(4) {
		values = append(values, c.value())
		c.send(c.next(), wire.OpSetData, &wire.SetDataRequest{Path: p, Data: []byte(values[len(values)-1]), Version: -1})
	}
	c.send(c.next(), wire.OpGetData, &wire.PathWatchRequest{Path: p})
	var last int64
	for i, value := range values {
		o := c.do(history.Op{Kind: history.Set, Path: p, Value: value, Expect: -1, Begin: begin}, func(o *history.Op) (wire.Code, error) {
			var r wire.StatResponse
			code, err := c.answer(first+int32(i), wire.OpSetData, &r)
			o.Version, o.Zxid = r.Stat.Version, r.Stat.Mzxid
			return code, err
		})
		if o.Code == history.OK && o.Zxid <= last {
			c.sim.fail("%s: a write was done before those that were sent before it: %s", c.name, &o)
		}
		last = max(last, o.Zxid)
	}
	c.do(history.Op{Kind: history.Peek, Path: p, Begin: begin}, func(o *history.Op) (wire.Code, error) {
		var r wire.GetDataResponse
		code, err := c.answer(c.xid, wire.OpGetData, &r)
		o.Value, o.Version, o.Zxid = string(r.Data), r.Stat.Version, r.Stat.Mzxid
		return code, err
	})
}

func (c *simClient) remove(p string) history.Op {
	return c.do(history.Op{Kind: history.Delete, Path: p, Expect: -1}, func(*history.Op) (wire.Code, error) {
		return c.ask(c.next(), wire.OpDelete, &wire.DeleteRequest{Path: p, Version: -1}, &wire.Empty{})
	})
}

func (c *simClient) sync(p string) (wire.Code, error) {
	return c.ask(c.next(), wire.OpSync, &wire.PathRequest{Path: p}, &wire.PathResponse{})
}

// read gets a znode, after a sync if it is to be a Read and needs one.
func (c *simClient) read(kind history.Kind, p string) history.Op {
	return c.do(history.Op{Kind: kind, Path: p}, func(o *history.Op) (wire.Code, error) {
		if kind == history.Read && !c.sim.profile.linearizable {
			if code, err := c.sync(p); code != wire.OK || err != nil {
				return code, err
			}
		}
		var r wire.GetDataResponse
		code, err := c.ask(c.next(), wire.OpGetData, &wire.PathWatchRequest{Path: p}, &r)
		o.Value, o.Version, o.Zxid = string(r.Data), r.Stat.Version, r.Stat.Mzxid
		return code, err
	})
}

// arm watches a znode, which may not be there.
func (c *simClient) arm(p string) {
	if _, ok := c.watched[p]; ok {
		return
	}
	c.do(history.Op{Kind: history.Armed, Path: p}, func(o *history.Op) (wire.Code, error) {
		var r wire.StatResponse
		code, err := c.ask(c.next(), wire.OpExists, &wire.PathWatchRequest{Path: p, Watch: true}, &r)
		if err == nil && (code == wire.OK || code == wire.NoNode) {
			c.watched[p] = code == wire.OK
		}
		o.Zxid = r.Stat.Mzxid
		return code, err
	})
}

func (c *simClient) list(p string) history.Op {
	return c.do(history.Op{Kind: history.List, Path: p}, func(o *history.Op) (wire.Code, error) {
		if !c.sim.profile.linearizable {
			if code, err := c.sync(p); code != wire.OK || err != nil {
				return code, err
			}
		}
		var r wire.ChildrenResponse
		code, err := c.ask(c.next(), wire.OpGetChildren, &wire.PathWatchRequest{Path: p}, &r)
		o.Names = r.Children
		return code, err
	})
}

// leave ends the session, or only the connection.
func (c *simClient) leave(properly bool) {
	if c.nc != nil && properly {
		begin := c.sim.now()
		if code, err := c.ask(c.next(), wire.OpCloseSession, &wire.Empty{}, &wire.Empty{}); err == nil && code == wire.OK {
			c.note(history.Op{Kind: history.Closed, Session: c.session, Begin: begin, End: c.sim.now(), Code: history.OK})
		}
	}
	c.hangUp()
	c.session, c.password, c.shown = 0, nil, 0
	clear(c.watched)
}
