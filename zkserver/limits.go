package zkserver

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// What one client may cost. Every buffer, queue and wait of the server has its
// bound here or in [Config].
const (
	// handshakeTime is how long a connection may take to send its first
	// frame, and how long it may hold back the reply.
	handshakeTime = 5 * time.Second

	// maxHandshake is the largest first frame, in bytes. The longest sound
	// one has 45.
	maxHandshake = 1 << 10

	// maxPending and maxPendingBytes bound the requests of one connection
	// that are not answered yet. At the bound the server stops reading from
	// it. One request is always let in.
	maxPending      = 1000
	maxPendingBytes = 4 << 20

	// maxHeldBytes bounds the unanswered requests of all connections
	// together. Above it each connection may have one.
	maxHeldBytes = 256 << 20

	// outFull is how many bytes of replies may wait for a connection's
	// client before no more of its reads are served; outTight, while all
	// connections together have more than Config.MaxOutput.
	outFull  = 256 << 10
	outTight = 16 << 10

	// maxEventBytes is how many bytes of events may wait for a client. No
	// wait can hold events back, so a client with more is cut off.
	maxEventBytes = 4 << 20

	// tightEventBytes is the same while all connections together have more
	// output than Config.MaxOutput (at twice as much it is outTight), and
	// stuckTime how long a client may take nothing then; a quarter of it at
	// twice as much.
	tightEventBytes = 256 << 10
	stuckTime       = time.Second

	// maxWatchBytes bounds the paths a connection watches, counted as if all
	// were as long as the longest.
	maxWatchBytes = 64 << 20

	// maxAllWatchBytes bounds the paths that all connections together watch.
	maxAllWatchBytes = 1 << 30

	// maxReply bounds the reply to a multiRead, the one request that asks
	// for more than its own size many times over.
	maxReply = 16 << 20

	// maxMultiOps bounds the operations of a multi: a multi is applied in
	// one piece, and readers wait for it. All members must agree on it.
	maxMultiOps = 10_000

	// maxIdentities, maxIdentityBytes and maxAuthSetBytes bound what a
	// connection may add by auth: how many identities, the length of each, and
	// all of them as they stand in each of its commands.
	maxIdentities    = 64
	maxIdentityBytes = 256
	maxAuthSetBytes  = 4 << 10

	// filesReserved are the open files that connections may not take, beside
	// those of operators: the ones of the log and of snapshots.
	filesReserved = 100

	// maxMaxFrame bounds Config.MaxFrame: a request is written, sent and applied
	// in one piece, and everybody waits for it.
	maxMaxFrame = 64 << 20

	// commandRoom is more than a command has around the request.
	commandRoom = maxAuthSetBytes + 4<<10

	// partTime is how long a server that stops goes on for what clients have
	// asked for.
	partTime = time.Second

	// lastRequest is how long it waits for one that may be on its way.
	lastRequest = 20 * time.Millisecond

	// lingerTime is how long a connection that was ended by the server
	// stays half open, so that the last reply is not lost to a reset.
	lingerTime = time.Second
)

// withinFiles lowers MaxConns to what the process may have open at once, so that
// a flood of connections leaves files for the log.
func (c Config) withinFiles(limit int) Config {
	if most := max(1, limit-filesReserved-c.operatorFiles()); c.MaxConns > most {
		c.Log.Warn().Int("limit", limit).Int("conns", most).Msg("fewer connections than configured: too few open files are allowed")
		c.MaxConns = most
		c.MaxConnsPerAddr = min(c.MaxConnsPerAddr, most)
	}
	return c
}

// admission counts open connections, in all and by address.
type admission struct {
	total, perAddr int // the bounds

	mu     sync.Mutex // protects the fields below
	open   int
	byAddr map[netip.Addr]int
}

func newAdmission(total, perAddr int) *admission {
	return &admission{total: total, perAddr: perAddr, byAddr: make(map[netip.Addr]int)}
}

// enter counts a connection in. It reports false, and counts nothing, when
// there are too many.
func (a *admission) enter(addr netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open >= a.total || a.byAddr[addr] >= a.perAddr {
		return false
	}
	a.open++
	a.byAddr[addr]++
	return true
}

func (a *admission) leave(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	if a.byAddr[addr]--; a.byAddr[addr] == 0 {
		delete(a.byAddr, addr)
	}
}

// addrOf returns the IP address of the other end, or the zero Addr when it has
// none (a pipe).
func addrOf(nc net.Conn) netip.Addr {
	if tcp, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
