package zkbench

import (
	"testing"
	"time"
)

func TestAnOutageIsMeasuredFromTheAcknowledgements(t *testing.T) {
	zero := time.Now()
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	acks := []ack{{at(0), at(1)}, {at(1), at(60)}, {at(60), at(61)}, {at(61), at(311)}, {at(311), at(313)}, {at(313), at(999)}}
	o := outageOf(acks, at(61), at(70))
	if o.next != 252*time.Millisecond || o.longest != 250*time.Millisecond {
		t.Errorf("next %v, longest %v, want 252ms and 250ms", o.next, o.longest)
	}
	if o := outageOf(acks[:3], at(2), at(5)); o.next != 59*time.Millisecond || o.longest != 59*time.Millisecond {
		t.Errorf("with a write under way: next %v, longest %v, want 59ms of both", o.next, o.longest)
	}
}
