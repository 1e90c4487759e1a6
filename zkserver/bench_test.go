package zkserver_test

import (
	"bufio"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// Each of benchConns connections keeps benchDepth requests under way.
const (
	benchConns = 16
	benchDepth = 50
)

func BenchmarkCreate(b *testing.B) {
	benchmark(b, func(c *client, dir string) []byte {
		q := wire.CreateRequest{Path: dir + "/n-", Data: make([]byte, 100), ACL: openACL, Flags: wire.FlagSequential}
		return c.request(wire.OpCreate, &q)
	})
}

func BenchmarkSetData(b *testing.B) {
	benchmark(b, func(c *client, dir string) []byte {
		return c.request(wire.OpSetData, &wire.SetDataRequest{Path: dir, Data: make([]byte, 100), Version: -1})
	})
}

func BenchmarkGetData(b *testing.B) {
	benchmark(b, func(c *client, dir string) []byte {
		return c.request(wire.OpGetData, &wire.PathWatchRequest{Path: dir})
	})
}

// benchmark sends b.N times the request that each client has for its own znode.
func benchmark(b *testing.B, request func(c *client, dir string) []byte) {
	s := zktest.NewServer(b)
	var clients [benchConns]*client
	var requests [benchConns][]byte
	for i := range clients {
		c := connect(b, s)
		dir := c.create("/bench-", string(make([]byte, 100)), wire.FlagSequential)
		clients[i], requests[i] = c, request(c, dir)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var running sync.WaitGroup
	for i, c := range clients {
		running.Go(func() { c.pump(b.N/benchConns+1, requests[i]) })
	}
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// pump sends the request n times, with no more than benchDepth unanswered.
func (c *client) pump(n int, request []byte) {
	credit := make(chan struct{}, benchDepth)
	var sending sync.WaitGroup
	sending.Go(func() {
		w := bufio.NewWriter(c.nc)
		for range n {
			select {
			case credit <- struct{}{}:
			default:
				w.Flush()
				credit <- struct{}{}
			}
			w.Write(request)
		}
		w.Flush()
	})
	var buf []byte
	for range n {
		frame, err := wire.ReadFrame(c.br, buf, wire.MaxFrame)
		if err != nil {
			c.t.Error(err)
			return
		}
		buf = frame
		<-credit
	}
	sending.Wait()
}
