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
	for i := range 10 * maxRefusals {
		r.fresh(one, fmt.Errorf("%d", i), now)
	}
	if len(r.said) > maxRefusals {
		t.Errorf("%d refusals are remembered, at most %d should be", len(r.said), maxRefusals)
	}
}
