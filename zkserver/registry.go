package zkserver

import (
	"net/netip"
	"time"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/watch"
)

// join gives a connection its number and lets apply find it.
func (r *replica) join(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c.number == 0 || r.conns[c.number] != nil {
		r.lastNumber++
		c.number = r.lastNumber
	}
	c.origin = r.origin
	r.conns[c.number] = c
}

// leave forgets a connection. It must not read any more. The time of its
// session, which lives on, runs from the last frame.
func (r *replica) leave(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c.number)
	r.watches.RemoveConn(watch.Conn(c.number))
	c.mu.Lock()
	c.srv.stats.leave(c)
	r.held.Add(-int64(c.queue.bytes))
	c.srv.output.Add(-int64(c.counted))
	c.counted = 0
	c.mu.Unlock()
	if r.owners[c.owned] == c {
		delete(r.owners, c.owned)
		r.live.leave(c.owned, c.srv.clockAt(time.Duration(c.heard.Load())))
	}
}

// The methods below answer what a handshake asks.

func (r *replica) lastZxid() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.zxid
}

func (r *replica) hasKey() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keyed
}

// sessionCount counts the sessions, in all and opened from an address.
func (r *replica) sessionCount(addr netip.Addr) (all, here int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sessions.Len(), r.openedBy[addr]
}

// opened notes where a session was opened from, and ended that it is over.
func (r *replica) opened(id session.ID, from netip.Addr) {
	r.openers[id] = from
	r.openedBy[from]++
}

func (r *replica) ended(id session.ID) {
	from, ok := r.openers[id]
	if !ok {
		return // opened before this process started, or by way of another member
	}
	delete(r.openers, id)
	if r.openedBy[from]--; r.openedBy[from] == 0 {
		delete(r.openedBy, from)
	}
}

// password returns the password of a session, whether or not it exists.
func (r *replica) password(id session.ID) []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sessions.Password(id)
}
