package zkserver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/storm/history"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// Where the clients work.
const (
	simRegisters  = "/r"
	simSequences  = "/s"
	simEphemerals = "/e"
)

func (s *simRun) newClient(name string, rng *rand.Rand) *simClient {
	return &simClient{sim: s, name: name, rng: rng, watched: map[string]bool{}}
}

// simRoles are what clients do at a time.
var simRoles = []func(*simClient){(*simClient).writes, (*simClient).writes, (*simClient).reads, (*simClient).owns, (*simClient).lists, (*simClient).watches}

// live works until ctx ends. Now and then the client moves to another member, says
// nothing for a while, or leaves.
func (c *simClient) live(ctx context.Context, role func(*simClient)) {
	for ctx.Err() == nil && c.sim.failed() == nil {
		if c.nc == nil && !c.connect(ctx) {
			break
		}
		role(c)
		pause := 20 * time.Millisecond
		switch n := c.rng.IntN(200); {
		case n < 2:
			c.hangUp()
		case n < 4:
			c.move(ctx)
		case n == 4:
			c.leave(c.rng.IntN(2) == 0)
		case n == 5:
			pause = 2 * simTimeout
		}
		sleep(ctx, time.Duration(c.rng.Int64N(int64(pause))))
	}
	c.leave(c.rng.IntN(2) == 0)
}

// move goes to another member, and then sends a write by way of the one before. It
// is not noted: were it done, it would show.
func (c *simClient) move(ctx context.Context) {
	old, id := c.nc, c.session
	if old == nil {
		return
	}
	c.nc = nil
	defer old.Close()
	if !c.connect(ctx) || c.session != id {
		return
	}
	b, start := wire.BeginFrame(nil)
	h := wire.RequestHeader{Xid: c.next(), Op: wire.OpSetData}
	q := wire.SetDataRequest{Path: c.register(), Data: []byte("of a session that has moved"), Version: -1}
	old.Write(wire.EndFrame(q.Append(h.Append(b)), start))
	sleep(ctx, time.Duration(c.rng.Int64N(int64(100*time.Millisecond))))
}

// register picks one of a few, which are others after a while.
func (c *simClient) register() string {
	return fmt.Sprintf("%s/%d", simRegisters, c.sim.now()/int64(500*time.Millisecond)*2+c.rng.Int64N(2))
}

func (c *simClient) writes() {
	switch p, n := c.register(), c.rng.IntN(10); {
	case n < 2:
		c.create(history.Create, p, 0)
	case n == 2:
		c.remove(p)
	case n == 3:
		c.create(history.Sequential, simSequences, 2)
	case n == 4:
		if o := c.read(history.Read, p); o.Code == history.OK && c.nc != nil {
			c.set(p, o.Version)
		}
	case n == 5:
		c.burst(p)
	default:
		c.set(p, -1)
	}
}

func (c *simClient) reads() {
	c.read(c.either(), c.register())
}

// either is a Read or a Peek.
func (c *simClient) either() history.Kind {
	if c.sim.profile.linearizable || c.rng.IntN(2) == 0 {
		return history.Read
	}
	return history.Peek
}

func (c *simClient) owns() {
	switch p := fmt.Sprintf("%s/%s-%d", simEphemerals, c.name, c.written); c.rng.IntN(20) {
	case 0:
		c.create(history.Ephemeral, p, 1)
	case 1:
		c.remove(p)
	case 2:
		c.set(simSequences, 99) // which says that it lives
	default:
		c.read(c.either(), p)
	}
}

func (c *simClient) lists() { c.list(simEphemerals) }

func (c *simClient) watches() {
	p := c.register()
	c.arm(p)
	for range 5 {
		if c.nc == nil {
			return
		}
		c.read(history.Peek, p)
		time.Sleep(time.Duration(c.rng.Int64N(int64(20 * time.Millisecond))))
	}
}

// unlike says what is not alike on all members, or should not be there any more.
func (s *simRun) unlike() string {
	type summary struct {
		zxid     int64
		digest   uint64
		sessions int
		nodes    int
	}
	var first summary
	for i, m := range s.members {
		if m.server == nil {
			return fmt.Sprintf("member %d is down", m.number)
		}
		r := m.server.replica
		r.mu.RLock()
		now := summary{r.zxid, r.tree.Digest(), r.sessions.Len(), r.tree.Len()}
		var left []session.ID
		for one := range r.sessions.All() {
			left = append(left, one.ID)
		}
		r.mu.RUnlock()
		switch {
		case now.sessions > 0:
			return fmt.Sprintf("member %d has sessions: %x", m.number, left)
		case i == 0:
			first = now
		case now != first:
			return fmt.Sprintf("member %d has %+v, member 1 %+v", m.number, now, first)
		}
	}
	return s.unowned()
}

// unowned says which ephemeral znodes are there, when no session is.
func (s *simRun) unowned() string {
	for _, m := range s.members {
		r := m.server.replica
		r.mu.RLock()
		names, _, _ := r.tree.Children(simEphemerals, anybody)
		r.mu.RUnlock()
		if len(names) > 0 {
			return fmt.Sprintf("member %d has ephemeral znodes without sessions: %v", m.number, names)
		}
	}
	return ""
}

// readLast notes what is there in the end of all registers there were.
func (s *simRun) readLast() {
	paths := map[string]bool{}
	for _, o := range s.rec.Ops() {
		if strings.HasPrefix(o.Path, simRegisters+"/") {
			paths[o.Path] = true
		}
	}
	at := s.now()
	r := s.members[0].server.replica
	r.mu.RLock()
	defer r.mu.RUnlock()
	for path := range paths {
		o := history.Op{Client: "last", Kind: history.Read, Path: path, Begin: at, End: at, Code: history.NoNode}
		if data, stat, err := r.tree.Get(path, anybody); err == nil {
			o.Code, o.Value, o.Version, o.Zxid = history.OK, string(data), stat.Version, stat.Mzxid
		}
		s.rec.Add(o)
	}
}

// seekNumbers looks for the sequential znodes whose creation was acknowledged:
// nobody deletes them.
func (s *simRun) seekNumbers() {
	r := s.members[0].server.replica
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, o := range s.rec.Ops() {
		if o.Kind != history.Sequential || o.Code != history.OK {
			continue
		}
		path := fmt.Sprintf("%s/n-%010d", o.Path, o.Number)
		if data, _, err := r.tree.Get(path, anybody); err != nil || string(data) != o.Value {
			s.fail("%s has %q, %v, in the end: %s", path, data, err, &o)
		}
	}
}

var anybody = []tree.ID{{Scheme: "world", ID: "anyone"}}
