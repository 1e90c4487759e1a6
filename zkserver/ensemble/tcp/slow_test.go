package tcp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inSlowCluster runs three members with a road of so many bytes in a second out of
// each, of which the third was away while the others wrote some MiB.
func inSlowCluster(t *testing.T, rate int, test func(c *cluster, written, commands int)) {
	if testing.Short() {
		t.Skip("much work for the race detector, and tested without -short")
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := newClusterOn(t, 3, newNetwork(ctx, 3, rate))
		for i := range 3 {
			c.start(i)
		}
		for i := range 3 {
			<-c.running[i].node.Ready()
		}
		for c.leader() == 2 {
			if err := c.running[2].node.HandOver(ctx); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		c.kill(2)
		const size, commands = 16 << 10, 256
		for n := range commands {
			c.propose(0, fmt.Sprintf("%d %s", n, strings.Repeat("x", size)))
		}
		defer func() {
			for _, p := range c.running {
				p.stop()
			}
			cancel()
			time.Sleep(time.Second) // the roads are empty
		}()
		test(c, size*commands, commands)
	})
}

// A link that breaks every two seconds carries no more than half of the snapshot at
// a time: the member gets there all the same, since it goes on where it was.
func TestASnapshotGoesOnWhereItBrokeOff(t *testing.T) {
	inSlowCluster(t, 1<<20, func(c *cluster, written, commands int) {
		before, term := c.net.bytes(0, 2)+c.net.bytes(1, 2), c.running[0].node.Status().Term
		began := time.Now()
		back := c.start(2)
		for back.machine.loaded() == 0 {
			if time.Sleep(2 * time.Second); time.Since(began) > time.Minute {
				c.t.Fatalf("the member has no snapshot after %v", time.Since(began))
			}
			c.net.cut(2)
		}
		carried := c.net.bytes(0, 2) + c.net.bytes(1, 2) - before
		c.t.Logf("there after %v, %d bytes carried for %d", time.Since(began), carried, written)
		if now := c.running[0].node.Status().Term; now == term && carried > written*3/2 { // the next leader has another snapshot
			c.t.Errorf("%d bytes carried for a state of %d", carried, written)
		}
		for len(back.machine.list()) < commands {
			if time.Sleep(100 * time.Millisecond); time.Since(began) > 2*time.Minute {
				c.t.Fatalf("the member has %d commands after %v", len(back.machine.list()), time.Since(began))
			}
		}
	})
}

// A snapshot takes what others leave of a link: nobody misses a heartbeat for it,
// and writes of a follower go on.
func TestASnapshotDelaysNeitherHeartbeatsNorWrites(t *testing.T) {
	inSlowCluster(t, 1<<20, func(c *cluster, written, commands int) {
		term := c.running[0].node.Status().Term
		follower := 1 - c.leader()
		began, slowest := time.Now(), time.Duration(0)
		back := c.start(2)
		for n := 0; back.machine.loaded() == 0; n++ { // the log comes after that
			at := time.Now()
			c.propose(follower, fmt.Sprintf("meanwhile %d", n))
			slowest = max(slowest, time.Since(at))
			if time.Sleep(50 * time.Millisecond); time.Since(began) > time.Minute {
				c.t.Fatalf("the member has %d commands after %v", len(back.machine.list()), time.Since(began))
			}
		}
		c.t.Logf("%d bytes in %v, slowest write %v", written, time.Since(began), slowest)
		if now := c.running[0].node.Status().Term; now != term {
			c.t.Errorf("term %d has become term %d", term, now)
		}
		if slowest > 250*time.Millisecond {
			c.t.Errorf("a write took %v", slowest)
		}
	})
}
