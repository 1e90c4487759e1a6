package zkserver

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
)

// These errors end a connection. None of them ends its session.
var (
	errClientGone     = errors.New("zkserver: client closed the connection")
	errFinished       = errors.New("zkserver: last reply sent")
	errServerStops    = errors.New("zkserver: server stops")
	errMoved          = errors.New("zkserver: session moved to another connection")
	errSessionOver    = errors.New("zkserver: session is over")
	errSlowReader     = errors.New("zkserver: client does not read its events")
	errRestored       = errors.New("zkserver: state replaced by a snapshot")
	errOrder          = errors.New("zkserver: replies out of order")
	errTooManyWatches = errors.New("zkserver: too many watches set again")
	errNoLeader       = errors.New("zkserver: no leader is heard")
	errLeaderBack     = errors.New("zkserver: a leader is back, so that writes are possible")
	errBadFrame       = errors.New("zkserver: request without header")
)

// conn is one client connection. Its session may outlive it.
//
// Two goroutines serve it. readLoop takes requests in: it serves a read at
// once when nothing is before it, proposes a write at once when only proposed
// writes are before it, and queues everything else. writeLoop serves what was
// queued when its turn comes, and sends; short replies to reads readLoop sends
// itself. The apply thread answers the writes.
type conn struct {
	srv    *Server
	nc     net.Conn
	addr   netip.Addr // the client's, without port
	br     *bufio.Reader
	number uint32         // of all connections of this process; never 0
	origin uint64         // of its commands; once the member has another one they are refused
	log    zerolog.Logger // at most a few lines a second, with the peer

	// granted is sent the answer to each request of the handshake by apply, and
	// received by the handshake.
	granted chan grant

	// The session, set by the handshake and not changed after.
	session session.ID
	attach  uint32 // attach epoch; an older one's writes are refused
	timeout time.Duration

	heard     atomic.Int64 // when the last frame came, on the server's clock
	took      atomic.Int64 // when the client last took something that was sent
	received  atomic.Int64 // frames
	bytesIn   atomic.Int64 // of frames, with their lengths
	receiving atomic.Int64 // since when a large request is being received, or 0
	waiting   atomic.Int32 // loops that wait for the server: silence is not the client's fault

	// deaf is set while nothing is read because the client has replies to
	// take. It may be sending pings: that it takes the replies shows that it
	// lives, instead. At other times it does not: the kernel takes much for a
	// client that hangs.
	deaf atomic.Bool

	// The fields below are owned by readLoop.
	nextSeq uint32 // of the next command
	authSet []byte // ids as commands carry them; replaced, never changed

	// readOnly is set while the member is cut off and this client is content
	// with that: it has no place in the log. Set by the handshake, after the
	// session.
	readOnly atomic.Bool

	greeted atomic.Bool // the handshake is done
	parting atomic.Bool // the server stops: no more is read

	done   chan struct{} // closed when closed is set
	cancel func()        // ends what the loops wait for; called when closed is set

	// deadline is for the client to take what is sent. Owned by the loop that
	// set writing.
	deadline time.Time

	// mu protects the fields below. It is locked inside replica.mu.
	mu        sync.Mutex
	work      sync.Cond // writeLoop waits here for something to do
	room      sync.Cond // readLoop waits here while the queue is full
	queue     queue
	view      view      // of the read being served
	ids       []tree.ID // identities; the slice is replaced, never changed
	sent      int64     // frames
	tally     tally
	writing   bool   // one of the loops is sending
	spare     []byte // for queue.out, when that is being sent
	peak      int    // most that was sent at once since the last trim
	counted   int    // bytes of output that Server.output has
	longest   int    // path of all that were watched, in bytes
	finishing bool   // nothing more is read: close when all is answered and sent
	closed    bool
	cause     error // why it was closed

	unconfirmed int // requests that wait in Server.syncs; protected by its mu

	touched bool       // in replica.touched; owned by the apply thread
	owned   session.ID // the one whose owner it was made; protected by replica.mu
}

func newConn(s *Server, nc net.Conn, addr netip.Addr) *conn {
	c := &conn{
		srv:     s,
		nc:      nc,
		addr:    addr,
		br:      bufio.NewReaderSize(nc, 4<<10),
		log:     s.clients.With().Stringer("peer", nc.RemoteAddr()).Logger(),
		granted: make(chan grant, 1),
		done:    make(chan struct{}),
		cancel:  func() {},
	}
	c.work.L = &c.mu
	c.room.L = &c.mu
	c.ids = addrIdentity(addr)
	c.authSet = appendIdentities(nil, c.ids)
	now := s.clock()
	c.heard.Store(int64(now))
	c.tally = tally{opened: now, op: sessionOp}
	return c
}

// run serves the connection until either end closes it or ctx ends.
func (c *conn) run(ctx context.Context) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	c.cancel = cancel
	defer context.AfterFunc(ctx, c.part)()
	defer c.nc.Close()
	c.srv.replica.join(c)
	defer c.srv.replica.leave(c)

	err := c.shakeHands(inner)
	if err != nil {
		c.srv.stats.refused(err)
		c.close(err)
		c.log.Debug().Err(err).Msg("connection refused")
		return
	}
	c.greeted.Store(true)
	c.log.Debug().Str("session", hexID(c.session)).Msg("connection open")

	var loops sync.WaitGroup
	loops.Go(func() { c.close(c.writeLoop(inner)) })
	if err := c.readLoop(inner); err != nil {
		c.close(err)
	}
	loops.Wait()
	c.linger()
	c.log.Debug().Err(c.cause).Str("session", hexID(c.session)).Msg("connection closed")
}

// part ends the connection of a server that stops. What was asked for is answered,
// if that does not take long, and nothing more is read; or one more request, which
// may be on its way, if there is none. So a client that waits for each answer gets
// it, and goes to another member before it asks again.
func (c *conn) part() {
	c.mu.Lock()
	read := time.Unix(1, 0)
	if c.queue.len() == 0 {
		read = time.Now().Add(lastRequest)
	}
	c.mu.Unlock()
	c.parting.Store(true)
	if !c.greeted.Load() || c.nc.SetReadDeadline(read) != nil { // which wakes readLoop
		c.close(errServerStops)
		return
	}
	limit := time.NewTimer(partTime)
	defer limit.Stop()
	select {
	case <-c.done:
	case <-limit.C:
	case <-c.srv.nodeEnded: // nothing is answered any more
	}
	c.close(errServerStops)
}

// hexID writes a session id as ZooKeeper's tools and logs do.
func hexID(id session.ID) string { return fmt.Sprintf("%#x", uint64(id)) }

// close ends the connection. Only the first cause counts.
func (c *conn) close(cause error) {
	c.mu.Lock()
	first := c.shut(cause)
	c.mu.Unlock()
	if first && cause != errFinished {
		c.hangUp()
	}
}

// hangUp closes the socket without a word: the apply thread does it, too, and the
// last record of a TLS connection may wait five seconds for the client.
func (c *conn) hangUp() {
	if secure, ok := c.nc.(*tls.Conn); ok {
		secure.NetConn().Close()
		return
	}
	c.nc.Close()
}

// shut ends the connection but for the socket, which is left to the caller. It
// reports whether this is the first cause. c.mu is locked.
func (c *conn) shut(cause error) bool {
	if c.closed {
		return false
	}
	c.closed, c.cause = true, cause
	close(c.done)
	c.cancel()
	c.work.Broadcast()
	c.room.Broadcast()
	return true
}

// linger lets the client read the last reply: to close a socket with unread
// input resets it, and a reset may overtake what was sent.
func (c *conn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || c.cause != errFinished || half.CloseWrite() != nil {
		return
	}
	c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	io.CopyN(io.Discard, c.nc, int64(c.srv.cfg.MaxFrame))
}
