package zkserver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// Each of them claims a megabyte and sends half of it, so all the room for large
// requests is theirs until they are cut off.
func TestClientsWhoDoNotFinishALargeRequestHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory, func(cfg *zkserver.Config) { cfg.MaxInput = 2 << 20 })
		good := session(t, s, 40*time.Second)
		good.create("/large", "", 0)
		var slow []*client
		for range 4 {
			c := session(t, s, 40*time.Second)
			q := c.request(wire.OpSetData, &wire.SetDataRequest{Path: "/large", Version: -1, Data: make([]byte, 1_000_000)})
			go c.nc.Write(q[:len(q)/2]) // ends when the connection is closed
			slow = append(slow, c)
		}
		synctest.Wait()
		start := time.Now()
		good.set("/", "small")
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("a small request took %v", took)
		}
		good.set("/large", string(make([]byte, 900_000)))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("a large request took %v", took)
		}
		for _, c := range slow[:2] {
			c.closed()
		}
	})
}

// A connection that nobody else waits for may take its time.
func TestSlowClientWithALargeRequestIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		c := session(t, s, 40*time.Second)
		c.create("/large", "", 0)
		q := c.request(wire.OpSetData, &wire.SetDataRequest{Path: "/large", Version: -1, Data: make([]byte, 1_000_000)})
		for part := range 10 {
			c.write(q[part*len(q)/10 : (part+1)*len(q)/10])
			time.Sleep(3 * time.Second)
		}
		if r := c.reply(); r.Err != wire.OK {
			t.Errorf("a request that took 30s to send: %v", r.Err)
		}
	})
}
