package tcp

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// What strangers may take of a member. A stranger is who comes from an address at
// which no member was reached, and from which none has come.
const (
	maxKnocks       = 32 // connections of strangers that shake hands
	maxKnocksByAddr = 16 // of one address, be it a member's or not
	maxGuests       = 64 // connections of strangers that belong to no ensemble, or of those at one member's address
	maxGuestsByAddr = 16
	maxKnown        = 1024 // addresses of members that are remembered
)

var (
	errCrowded = errors.New("it took its time to shake hands, and others came")
	errGuests  = errors.New("too many who belong to no ensemble are here")
)

// A gate bounds the connections that shake hands. Who comes is always let in: if
// there are too many, the one that has been at it for the longest has to go. So
// nobody can keep members out by doing nothing, and who is quick gets through a
// flood. Members do not share what there is for strangers.
type gate struct {
	mu     sync.Mutex   // protects the fields below
	knocks []*knock     // oldest first
	known  []netip.Addr // of members, those of which was heard last at the end
	guests map[netip.Addr]int
	all    int // of guests, those at the addresses of members left out
}

// A knock is a connection that shakes hands.
type knock struct {
	net.Conn
	addr    netip.Addr
	crowded bool // it was closed in favour of another one
}

func newGate() *gate { return &gate{guests: make(map[netip.Addr]int)} }

// enter lets one shake hands until leave.
func (g *gate) enter(c net.Conn) *knock {
	k := &knock{Conn: c, addr: hostOf(c.RemoteAddr())}
	for _, gone := range g.admit(k) {
		gone.Close() // outside the lock, since TLS writes at a close
	}
	return k
}

// admit gives those who have to go.
func (g *gate) admit(k *knock) (gone []*knock) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gone = g.crowdLocked(gone, maxKnocksByAddr, func(other *knock) bool { return other.addr == k.addr })
	if !g.knowsLocked(k.addr) {
		gone = g.crowdLocked(gone, maxKnocks, func(other *knock) bool { return !g.knowsLocked(other.addr) })
	}
	g.knocks = append(g.knocks, k)
	return gone
}

// crowdLocked makes room for one more of a kind, and adds to gone who has to go.
func (g *gate) crowdLocked(gone []*knock, most int, kind func(*knock) bool) []*knock {
	n, oldest := 0, -1
	for i, k := range g.knocks {
		if kind(k) {
			if n++; oldest < 0 {
				oldest = i
			}
		}
	}
	if n < most {
		return gone
	}
	k := g.knocks[oldest]
	g.knocks = slices.Delete(g.knocks, oldest, oldest+1)
	k.crowded = true
	return append(gone, k)
}

// leave says that hands were shaken, or not, and whether the connection had to
// give way.
func (g *gate) leave(k *knock) (crowded bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.knocks = slices.DeleteFunc(g.knocks, func(other *knock) bool { return other == k })
	return k.crowded
}

// meet remembers the address of a member.
func (g *gate) meet(a net.Addr) {
	addr := hostOf(a)
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.known); n > 0 && g.known[n-1] == addr {
		return
	}
	g.known = append(slices.DeleteFunc(g.known, func(other netip.Addr) bool { return other == addr }), addr)
	if len(g.known) > maxKnown {
		g.known = slices.Delete(g.known, 0, 1)
	}
}

func (g *gate) knowsLocked(addr netip.Addr) bool { return slices.Contains(g.known, addr) }

// receive counts in one who belongs to no ensemble, until gone is called. The error
// says that there are too many.
func (g *gate) receive(a net.Addr) (gone func(), err error) {
	addr := hostOf(a)
	g.mu.Lock()
	defer g.mu.Unlock()
	most, strange := maxGuests, 0 // members may share an address
	if !g.knowsLocked(addr) {
		most, strange = maxGuestsByAddr, 1
	}
	if strange > 0 && g.all >= maxGuests || g.guests[addr] >= most {
		return nil, errGuests
	}
	g.all += strange
	g.guests[addr]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.all -= strange
		if g.guests[addr]--; g.guests[addr] == 0 {
			delete(g.guests, addr)
		}
	}, nil
}

// hostOf gives the IP address, or the zero Addr of what has none.
func hostOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
