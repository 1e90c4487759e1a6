package zkserver

import (
	"time"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/watch"
	"github.com/mwqueue/mw/zkserver/wire"
)

// How the apply thread reaches the connections. It only ever appends to their
// outputs; they do the sending.

// fire sends an event to each connection that watches one of the changes and
// may read the znode.
func (r *replica) fire(changes []tree.Change) {
	for _, ch := range changes {
		event := watch.Event{Type: watch.EventType(ch.Kind), Path: ch.Path}
		var last *conn
		n := int64(0)
		for id := range r.watches.Trigger(event) {
			if c := r.conns[uint32(id)]; c != nil {
				r.notify(c, ch)
				last = c
				n++
			}
		}
		if n > 0 {
			last.srv.stats.told[ch.Kind].add(time.Duration(n) * time.Millisecond)
		}
	}
}

// notify appends an event to a connection's output, or cuts the client off when
// that would be too much. What is too much is never there: one change may be told
// to thousands, and a multi makes thousands of changes before anyone can take one.
func (r *replica) notify(c *conn, ch tree.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !ch.Readable(c.ids) {
		return
	}
	q := &c.queue
	size := eventOverhead + len(ch.Path)
	if q.outEvents+q.inFlight+size > c.srv.eventLimit() {
		// At once: no reply may be served that shows the change.
		c.shut(errSlowReader)
		r.deaf = append(r.deaf, c)
		return
	}
	q.out = appendEvent(q.out, wire.EventType(ch.Kind), ch.Path)
	q.outEvents += size
	c.sent++
	c.countOutput()
	r.touch(c)
}

// answer sends the reply to a write. It is the oldest request of its
// connection: what was before it was answered before it was proposed, or
// applied before it.
func (r *replica) answer(c *conn, seq uint64, a *applied, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.queue.len() == 0 || c.queue.oldest().seq != seq {
		r.doomed = append(r.doomed, doom{c, errOrder})
		return
	}
	q := c.queue.oldest()
	before := len(c.queue.out)
	c.queue.out = appendReply(c.queue.out, q, a)
	c.countOutput()
	c.sent++
	c.countWrite(q, a.zxid, len(c.queue.out)-before, now)
	r.answered(c)
	r.touch(c)
}

// wake lets the connections that got output send it. No lock is held.
func (r *replica) wake() {
	for i, c := range r.touched {
		c.touched = false
		c.work.Signal()
		r.touched[i] = nil
	}
	r.touched = r.touched[:0]
	for _, d := range r.doomed {
		d.conn.close(d.cause)
	}
	clear(r.doomed)
	r.doomed = r.doomed[:0]
	for _, c := range r.deaf {
		c.hangUp()
	}
	clear(r.deaf)
	r.deaf = r.deaf[:0]
	for _, path := range r.overQuota {
		r.quotaLog.Warn().Str("path", path).Msg("soft quota exceeded")
	}
	r.overQuota = r.overQuota[:0]
	for _, id := range r.expired {
		if r.onExpiry != nil {
			r.onExpiry(id)
		}
	}
	r.expired = r.expired[:0]
}

func (r *replica) touch(c *conn) {
	if !c.touched {
		c.touched = true
		r.touched = append(r.touched, c)
	}
}
