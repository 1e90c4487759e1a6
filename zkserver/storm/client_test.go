package storm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"golang.org/x/sys/unix"

	"github.com/mwqueue/mw/zkserver/storm/history"
)

// sessionTimeout is what clients ask for: longer than most faults, and shorter
// than some.
const sessionTimeout = 4 * time.Second

var openACL = zk.WorldACL(zk.PermAll)

// A client notes all that it does through go-zookeeper. It is for one goroutine.
type client struct {
	name string
	rec  *history.Recorder
	rng  *rand.Rand
	conn *zk.Conn

	connects atomic.Int64 // counts connections
	dialed   atomic.Int64 // when the last was begun
	session  atomic.Int64 // the last that was known
	lost     atomic.Bool  // reaches nobody any more
	current  atomic.Pointer[net.Conn]
	refused  *atomic.Int64 // counts writes for which a full disk had no room
	written  int           // values so far

	// linearizable says that the servers' reads are, without a sync.
	linearizable bool
}

// connect makes a client of the servers at addrs.
func connect(t testing.TB, rec *history.Recorder, name string, rng *rand.Rand, addrs []string) *client {
	t.Helper()
	c := &client{name: name, rec: rec, rng: rng, refused: new(atomic.Int64)}
	c.open(t, addrs)
	return c
}

// open opens a session.
func (c *client) open(t testing.TB, addrs []string) {
	t.Helper()
	c.lost.Store(false)
	var opened atomic.Pointer[zk.Conn]
	conn, _, err := zk.Connect(addrs, sessionTimeout, zk.WithDialer(c.dial), zk.WithLogger(quiet{}), zk.WithLogInfo(false),
		zk.WithEventCallback(func(e zk.Event) {
			switch e.State {
			case zk.StateConnected:
				c.connects.Add(1)
			case zk.StateHasSession:
				if conn := opened.Load(); conn != nil {
					c.attached(conn.SessionID())
				}
			case zk.StateExpired:
				at := now()
				c.rec.Add(history.Op{Client: c.name, Kind: history.Expired, Session: c.session.Load(), Number: int64(sessionTimeout), Begin: at, End: at, Code: history.OK})
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	opened.Store(conn)
	c.conn = conn
}

// attached notes that the session goes on on a new connection, or begins.
func (c *client) attached(session int64) {
	c.rec.Add(history.Op{Client: c.name, Kind: history.Attached, Session: session, Begin: c.dialed.Load(), End: now(), Code: history.OK})
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// dial is the library's, with a deadline for every read: on its own it waits for a
// server that says nothing in the handshake for up to 6.67 session timeouts.
func (c *client) dial(network, addr string, _ time.Duration) (net.Conn, error) {
	if c.lost.Load() {
		return nil, errors.New("the client is cut off")
	}
	c.dialed.Store(now())
	nc, err := net.DialTimeout(network, addr, time.Second)
	if err != nil {
		return nil, err
	}
	nc = &guarded{nc}
	c.current.Store(&nc)
	return nc, nil
}

type guarded struct{ net.Conn }

func (g *guarded) SetReadDeadline(at time.Time) error {
	if limit := time.Now().Add(sessionTimeout * 2 / 3); at.IsZero() || at.After(limit) {
		at = limit
	}
	return g.Conn.SetReadDeadline(at)
}

// vanish cuts the client off for ever: its session is not closed, and expires.
func (c *client) vanish() {
	c.lost.Store(true)
	if nc := c.current.Load(); nc != nil {
		(*nc).Close()
	}
	c.conn.Close()
}

// now is CLOCK_MONOTONIC.
func now() int64 {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

// fullDiskError is the library's for OperationTimeout, which it has no name for.
const fullDiskError = "unknown error: -7"

// do carries out an operation and notes it, unless it certainly never happened.
func (c *client) do(o history.Op, call func(o *history.Op) error) history.Op {
	session, connects := c.conn.SessionID(), c.connects.Load()
	o.Client, o.Begin = c.name, now()
	err := call(&o)
	o.End = now()
	if c.conn.SessionID() == session {
		o.Session = session
		c.session.Store(session)
	}
	if c.connects.Load() == connects {
		o.Conn = int(connects)
	}
	switch {
	case err == nil:
		o.Code = history.OK
	case errors.Is(err, zk.ErrNoNode):
		o.Code = history.NoNode
	case errors.Is(err, zk.ErrNodeExists):
		o.Code = history.Exists
	case errors.Is(err, zk.ErrBadVersion):
		o.Code = history.BadVersion
	case errors.Is(err, zk.ErrNoServer), errors.Is(err, zk.ErrSessionExpired), errors.Is(err, zk.ErrSessionMoved):
		return o // was not done
	case err.Error() == fullDiskError:
		c.refused.Add(1)
		return o // nor was this
	default:
		o.Code, o.End = history.Unknown, 0
	}
	c.rec.Add(o)
	return o
}

func (c *client) value() string {
	c.written++
	return fmt.Sprintf("%s-%d", c.name, c.written)
}

func (c *client) create(path string) history.Op {
	return c.do(history.Op{Kind: history.Create, Path: path, Value: c.value()}, func(o *history.Op) error {
		_, err := c.conn.Create(path, []byte(o.Value), 0, openACL)
		return err
	})
}

func (c *client) set(path string, expect int32) history.Op {
	return c.do(history.Op{Kind: history.Set, Path: path, Value: c.value(), Expect: expect}, func(o *history.Op) error {
		stat, err := c.conn.Set(path, []byte(o.Value), expect)
		if err == nil {
			o.Version, o.Zxid = stat.Version, stat.Mzxid
		}
		return err
	})
}

func (c *client) delete(path string) history.Op {
	return c.do(history.Op{Kind: history.Delete, Path: path, Expect: -1}, func(*history.Op) error {
		return c.conn.Delete(path, -1)
	})
}

// read gets a znode, after a sync if it is to be a Read and needs one.
func (c *client) read(kind history.Kind, path string) history.Op {
	return c.do(history.Op{Kind: kind, Path: path}, func(o *history.Op) error {
		if kind == history.Read && !c.linearizable {
			if _, err := c.conn.Sync(path); err != nil {
				return err
			}
		}
		data, stat, err := c.conn.Get(path)
		if err == nil {
			o.Value, o.Version, o.Zxid = string(data), stat.Version, stat.Mzxid
		}
		return err
	})
}

// list syncs, if that is needed, and lists the children.
func (c *client) list(path string) history.Op {
	return c.do(history.Op{Kind: history.List, Path: path}, func(o *history.Op) error {
		if !c.linearizable {
			if _, err := c.conn.Sync(path); err != nil {
				return err
			}
		}
		names, _, err := c.conn.Children(path)
		o.Names = names
		return err
	})
}

func (c *client) sequential(parent string) history.Op {
	return c.do(history.Op{Kind: history.Sequential, Path: parent}, func(o *history.Op) error {
		name, err := c.conn.Create(parent+"/n-", nil, zk.FlagSequence, openACL)
		if err == nil {
			o.Number, err = strconv.ParseInt(name[strings.LastIndexByte(name, '-')+1:], 10, 64)
		}
		return err
	})
}

func (c *client) ephemeral(path string) history.Op {
	return c.do(history.Op{Kind: history.Ephemeral, Path: path}, func(*history.Op) error {
		_, err := c.conn.Create(path, nil, zk.FlagEphemeral, openACL)
		return err
	})
}

// watch sets a watch for the next change of a znode, which may not be there.
func (c *client) watch(path string) (<-chan zk.Event, bool) {
	var events <-chan zk.Event
	o := c.do(history.Op{Kind: history.Armed, Path: path}, func(o *history.Op) error {
		there, stat, ch, err := c.conn.ExistsW(path)
		events = ch
		if err == nil && !there {
			return zk.ErrNoNode
		}
		if err == nil {
			o.Zxid = stat.Mzxid
		}
		return err
	})
	return events, o.Answered()
}

// looksAt reads a watched znode, and reports whether the event has come. It is
// noted before what was read.
func (c *client) looksAt(path string, events <-chan zk.Event) bool {
	session, connects := c.conn.SessionID(), c.connects.Load()
	o := history.Op{Client: c.name, Kind: history.Peek, Path: path, Begin: now()}
	data, stat, err := c.conn.Get(path)
	o.End = now()
	fired := false
	select {
	case <-events:
		fired = true
		c.rec.Add(history.Op{Client: c.name, Kind: history.Event, Path: path, Begin: o.Begin, End: o.End, Code: history.OK})
	default:
	}
	if c.conn.SessionID() == session && c.connects.Load() == connects {
		o.Session, o.Conn = session, int(connects)
	}
	switch {
	case err == nil:
		o.Code, o.Value, o.Version, o.Zxid = history.OK, string(data), stat.Version, stat.Mzxid
	case errors.Is(err, zk.ErrNoNode):
		o.Code = history.NoNode
	default:
		return fired
	}
	c.rec.Add(o)
	return fired
}
