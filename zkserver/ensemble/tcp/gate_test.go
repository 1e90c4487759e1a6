package tcp

import (
	"errors"
	"net"
	"testing"
)

// A pipe from an address.
type from struct {
	net.Conn
	addr   *net.TCPAddr
	closed bool
}

func (f *from) RemoteAddr() net.Addr { return f.addr }
func (f *from) Close() error         { f.closed = true; return nil }

func at(host byte) *from { return &from{addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, host), Port: 1}} }

func TestWhoIsSlowGivesWayToWhoComesLater(t *testing.T) {
	g := newGate()
	var first *knock
	for i := range maxKnocksByAddr {
		if k := g.enter(at(1)); i == 0 {
			first = k
		}
	}
	if first.crowded {
		t.Fatal("one had to go although there was room")
	}
	last := g.enter(at(1))
	if !g.leave(first) || !first.Conn.(*from).closed {
		t.Error("the oldest of its address stays")
	}
	if g.leave(last) {
		t.Error("the newest had to go")
	}
	for host := range byte(100) { // each with one
		g.enter(at(10 + host))
	}
	if n := len(g.knocks); n != maxKnocks {
		t.Errorf("%d shake hands, want %d", n, maxKnocks)
	}
}

func TestStrangersTakeNothingFromMembers(t *testing.T) {
	g := newGate()
	g.meet(at(1).addr)
	member := g.enter(at(1))
	for host := range byte(200) {
		for range 20 {
			g.enter(at(2 + host))
		}
	}
	if n := len(g.knocks); n != maxKnocks+1 {
		t.Errorf("%d shake hands, want %d and a member", n, maxKnocks)
	}
	if g.leave(member) {
		t.Error("a member had to go")
	}

	var leave []func()
	for host := range byte(200) {
		for range 20 {
			gone, err := g.receive(at(2 + host).addr)
			if err == nil {
				leave = append(leave, gone)
			} else if !errors.Is(err, errGuests) {
				t.Fatal(err)
			}
		}
	}
	if len(leave) != maxGuests {
		t.Errorf("%d strangers are here, want %d", len(leave), maxGuests)
	}
	for range maxGuests {
		gone, err := g.receive(at(1).addr)
		if err != nil {
			t.Fatal("one at a member's address is kept out by strangers")
		}
		leave = append(leave, gone)
	}
	if _, err := g.receive(at(1).addr); !errors.Is(err, errGuests) {
		t.Error("at a member's address there may be any number")
	}
	for _, gone := range leave {
		gone()
	}
	if g.all != 0 || len(g.guests) != 0 {
		t.Errorf("%d are left: %v", g.all, g.guests)
	}
}

func TestTheAddressesOfMembersAreBounded(t *testing.T) {
	g := newGate()
	for i := range 3 * maxKnown {
		g.meet(&net.TCPAddr{IP: net.IPv4(10, 1, byte(i>>8), byte(i))})
		g.meet(at(1).addr)
	}
	if len(g.known) > maxKnown || !g.knowsLocked(hostOf(at(1).addr)) {
		t.Errorf("%d addresses are known", len(g.known))
	}
}
