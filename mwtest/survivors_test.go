package mwtest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/mwtest"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// The leader is killed under load, or asked to end, again and again: clients of the other members
// lose no connection, get no error, and every write is done once, in order.
func TestClientsOfSurvivorsDoNotNoticeTheEndOfTheLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds; not tested: failover of real processes under load")
	}
	const rounds, conns, inFlight = 4, 4, 8
	c := startCluster(t, mwtest.Config{Members: 3})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for round := range rounds {
		leader := awaitLeader(ctx, t, c)
		var survivors []string
		for _, m := range c.Members() {
			if m != leader {
				survivors = append(survivors, m.Addr)
			}
		}
		var stop atomic.Bool
		var g errgroup.Group
		var acked atomic.Int64
		for i := range conns {
			dir := fmt.Sprintf("/load-%d-%d", round, i)
			g.Go(func() error { return createInOrder(ctx, survivors[i%len(survivors)], dir, inFlight, &stop, &acked) })
		}
		await(t, ctx, "writes", func() bool { return acked.Load() > 200 })
		end := leader.Kill
		if round%2 == 1 {
			end = func() error { err := leader.Terminate(); <-leader.Done(); return err }
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		before := acked.Load()
		await(t, ctx, "writes without the leader", func() bool { return acked.Load() > before+500 || ctx.Err() != nil })
		stop.Store(true)
		if err := g.Wait(); err != nil {
			t.Fatalf("round %d, leader %s: %v", round, leader.Name, err)
		}
		if err := leader.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitLeader waits until one member leads and the others follow.
func awaitLeader(ctx context.Context, t *testing.T, c *mwtest.Cluster) (leader *mwtest.Process) {
	t.Helper()
	await(t, ctx, "a leader and two who follow", func() bool {
		follow := 0
		leader = nil
		for _, m := range c.Members() {
			switch srvr := word(m.Addr, "srvr"); {
			case strings.Contains(srvr, "Mode: leader"):
				leader = m
			case strings.Contains(srvr, "Mode: follower"):
				follow++
			}
		}
		return leader != nil && follow == len(c.Members())-1
	})
	return leader
}

// word is the answer to a four-letter word, or what came of it.
func word(addr, word string) string {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return ""
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(nc, word)
	b, _ := io.ReadAll(nc)
	return string(b)
}

// createInOrder makes sequential znodes over one connection, so many at a time,
// until stop, and checks that they were made once each, in the order they were
// asked for. Any error, or a second connection, is one too many.
func createInOrder(ctx context.Context, addr, dir string, inFlight int, stop *atomic.Bool, acked *atomic.Int64) error {
	var connections atomic.Int32
	c, err := client.Dial(ctx, client.Config{Servers: []string{addr}, OnEvent: func(e wire.WatcherEvent) {
		if e.State == wire.StateSyncConnected {
			connections.Add(1)
		}
	}})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Create(ctx, dir, nil, wire.FlagPersistent, client.OpenACL); err != nil {
		return err
	}
	replies := make(chan *client.Call, inFlight)
	sent := 0
	send := func() error {
		call := &client.Call{Op: wire.OpCreate, Reply: &wire.CreateResponse{}, Done: func(c *client.Call) { replies <- c },
			Request: &wire.CreateRequest{Path: dir + "/n-", Data: fmt.Append(nil, sent), Flags: wire.FlagSequential, ACL: client.OpenACL}}
		sent++
		return c.Send(ctx, call)
	}
	for range inFlight {
		if err := send(); err != nil {
			return err
		}
	}
	for got := 0; got < sent; got++ {
		var call *client.Call
		select {
		case call = <-replies:
		case <-ctx.Done():
			return fmt.Errorf("request %d of %s: %w", got, dir, context.Cause(ctx))
		}
		if call.Err != nil || call.Header.Err != wire.OK {
			return fmt.Errorf("request %d of %s: %v, %v", got, dir, call.Err, call.Header.Err)
		}
		if path, want := call.Reply.(*wire.CreateResponse).Path, fmt.Sprintf("%s/n-%010d", dir, got); path != want {
			return fmt.Errorf("request %d made %s, want %s", got, path, want)
		}
		acked.Add(1)
		if !stop.Load() {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return checkMade(ctx, c, dir, sent, connections.Load())
}

func checkMade(ctx context.Context, c *client.Client, dir string, sent int, connections int32) error {
	names, _, err := c.Children(ctx, dir, false)
	if err != nil {
		return err
	}
	if len(names) != sent || connections != 1 {
		return fmt.Errorf("%s has %d znodes, want %d; %d connections, want one", dir, len(names), sent, connections)
	}
	slices.Sort(names)
	for i, name := range names {
		if data, _, err := c.Get(ctx, dir+"/"+name, false); err != nil || string(data) != fmt.Sprint(i) {
			return fmt.Errorf("%s/%s holds %q, want %d: %w", dir, name, data, i, err)
		}
	}
	return nil
}
