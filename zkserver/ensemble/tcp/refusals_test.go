package tcp

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"
)

func TestARefusalIsLoggedOnceAMachineAndReasonAndAgainLater(t *testing.T) {
	var r refusals
	now := time.Now()
	one, other := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 1}
	again := &net.TCPAddr{IP: one.IP, Port: 2}
	stranger, unlisted := errors.New("stranger"), errors.New("unlisted")
	for i, tt := range []struct {
		from net.Addr
		why  error
		at   time.Duration
		want bool
	}{
		{one, stranger, 0, true}, {again, stranger, time.Second, false}, {one, unlisted, time.Second, true}, {other, stranger, time.Second, true},
		{again, stranger, refusalAgain, true}, {again, stranger, refusalAgain + time.Second, false},
	} {
		if got := r.fresh(tt.from, tt.why, now.Add(tt.at)); got != tt.want {
			t.Errorf("%d: fresh is %t, want %t", i, got, tt.want)
		}
	}
}

// A stranger makes up reasons, and comes from one port after the other, or from
// one address.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	var r refusals
	now := time.Now()
	lines := func(n int, from func(i int) (net.Addr, error)) (lines int) {
		for i := range n {
			if addr, why := from(i); r.fresh(addr, why, now) {
				lines++
			}
		}
		return lines
	}
	one := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}
	if n := lines(1000, func(i int) (net.Addr, error) {
		return one, fmt.Errorf("handshake: %w", &net.OpError{Op: "read", Addr: &net.TCPAddr{Port: i}, Err: errors.New("timeout")})
	}); n != 1 {
		t.Errorf("%d lines for one reason", n)
	}
	if n := lines(1000, func(i int) (net.Addr, error) { return one, fmt.Errorf("member %d", i) }); n != maxReasons-1 {
		t.Errorf("%d lines for one machine", n)
	}
	if n := lines(1000, func(i int) (net.Addr, error) {
		return &net.TCPAddr{IP: net.IPv4(10, 1, byte(i>>8), byte(i))}, errors.New("stranger")
	}); n != maxRefusals-maxReasons {
		t.Errorf("%d lines for many machines", n)
	}
	now = now.Add(refusalAgain)
	if n := lines(1, func(int) (net.Addr, error) { return one, errors.New("stranger") }); n != 1 {
		t.Error("no line after a while")
	}
}
