package zkserver_test

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// Twenty of each kind come at once; all are cut at the deadline of five seconds.
func TestHostileHandshakesAreCutWhileOthersAreServed(t *testing.T) {
	s := zktest.NewServer(t)
	good := watchOn(t, s)
	hello := frame(&wire.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16)})
	kinds := map[string][]byte{
		"nothing":                    nil,
		"a part of a length":         hello[:3],
		"a part of a frame":          hello[:20],
		"length -1":                  bytes.Repeat([]byte{0xff}, 4),
		"length 2^31-1":              {0x7f, 0xff, 0xff, 0xff},
		"a first frame of 1 MiB":     {0, 0x0f, 0xff, 0xff, 0, 0},
		"garbage":                    []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
		"TLS":                        {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3},
		"a request before the hello": frame(&wire.RequestHeader{Xid: 1, Op: wire.OpGetData}, &wire.PathWatchRequest{Path: "/"}),
	}
	var all []net.Conn
	for _, sent := range kinds {
		for range 20 {
			c := dial(t, s)
			c.write(sent)
			all = append(all, c.nc)
		}
	}
	slow := dial(t, s) // a byte a second, below
	began := time.Now()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	// The deadline is five seconds: the rest is what a busy machine may take.
	const latest = 30 * time.Second
	for i := 0; ; i++ {
		<-second.C
		if _, err := slow.nc.Write(hello[i : i+1]); err != nil {
			break
		}
		if took := time.Since(began); took > latest {
			t.Fatalf("a byte a second was let in for %v", took)
		}
	}
	for i, nc := range all {
		nc.SetReadDeadline(time.Now().Add(latest))
		var b [64]byte
		for {
			_, err := nc.Read(b[:])
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Fatalf("connection %d is still open after %v", i, time.Since(began))
			}
			if err != nil {
				break
			}
		}
	}
	good.wasServed()
}

func TestIdleConnectionsCostLittle(t *testing.T) {
	const each = 128 << 10 // both ends, with the race detector's own; five times what it was
	n := sockets(1000 * *hostileScale)
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxConnsPerAddr, cfg.MaxSessionTimeout = n+100, time.Minute })
	good := watchOn(t, s)
	before := heap()
	idle := make([]*client, n)
	for i := range idle {
		idle[i] = dial(t, s)
		idle[i].handshake(wire.ConnectRequest{TimeoutMillis: 60_000})
	}
	cost := (heap() - before) / int64(n)
	t.Logf("%d idle connections take %d bytes each, the client's end included", n, cost)
	if cost > each {
		t.Errorf("an idle connection takes %d bytes, the bound is %d", cost, each)
	}
	good.wasServed()
	for _, c := range idle {
		c.nc.Close()
	}
}

// An address opens connections as fast as it can: most are closed at once by
// itself, others stay half open and take all that one address may have.
func TestConnectFloodOfOneAddressIsBounded(t *testing.T) {
	const most = 100
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxConnsPerAddr = most })
	good := watchOn(t, s)
	before := runtime.NumGoroutine()
	for range 1000 * *hostileScale {
		dial(t, s).nc.Close()
	}
	refused, half := 0, make([]*client, 3*most)
	for i := range half {
		half[i] = dial(t, s)
	}
	eventually(t, "connections above the limit are closed", func() bool {
		refused = 0
		for _, c := range half {
			c.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := c.nc.Read(make([]byte, 1))
			if e, ok := err.(net.Error); err != nil && !(ok && e.Timeout()) {
				refused++
			}
		}
		return refused >= 2*most
	})
	if grown := runtime.NumGoroutine() - before; grown > 4*most {
		t.Errorf("%d more goroutines for at most %d connections", grown, most)
	}
	for _, c := range half {
		c.nc.Close()
	}
	eventually(t, "there is room again", func() bool { return dial(t, s).handshake0() })
	good.wasServed()
}

// A session sets as many watches as it may, of its own accord and as if again after
// a reconnect, and leaves.
func TestWatchesOfOneSessionAreBoundedAndGoWithIt(t *testing.T) {
	s := zktest.NewServer(t)
	good := watchOn(t, s)
	before := heap()
	c := connect(t, s)
	const n = 100_000
	for from := 0; from < n; from += n / 4 {
		q := wire.SetWatchesRequest{Data: []string{}, Exist: []string{}, Child: []string{}}
		for i := range n / 4 {
			q.Exist = append(q.Exist, fmt.Sprintf("/w/%06d", from+i))
		}
		if r := c.do(wire.OpSetWatches, &q, nil); r.Err != wire.OK {
			t.Fatalf("setWatches from %d on: %v", from, r.Err)
		}
	}
	cost := (heap() - before) / n
	t.Logf("a watch takes %d bytes", cost)
	if cost > 1000 { // 140, and what the bystander has in use meanwhile
		t.Errorf("a watch takes %d bytes", cost)
	}
	if r := c.do(wire.OpExists, &wire.PathWatchRequest{Path: "/one-more", Watch: true}, nil); r.Err != wire.OperationTimeout {
		t.Errorf("watch %d: %v, want operation timeout", n+1, r.Err)
	}
	taken := heap() - before
	c.nc.Close()
	c = nil
	eventually(t, "the memory of the watches is free", func() bool { return heap()-before < max(taken/2, 8<<20) })
	good.wasServed()
}
