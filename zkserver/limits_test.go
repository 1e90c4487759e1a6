package zkserver_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestABurstAboveAllBoundsIsAnsweredInOrder(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.create("/a", "", 0)
	const n = 6000
	first := c.xid + 1
	var burst []byte
	for i := range n {
		switch i % 3 {
		case 0:
			burst = append(burst, c.request(wire.OpSetData, &wire.SetDataRequest{Path: "/a", Version: -1, Data: make([]byte, 2000)})...)
		case 1:
			burst = append(burst, c.request(wire.OpExists, &wire.PathWatchRequest{Path: "/a"})...)
		case 2:
			burst = append(burst, c.request(wire.OpGetData, &wire.PathWatchRequest{Path: "/a"})...)
		}
	}
	var sending sync.WaitGroup
	sending.Go(func() { c.nc.Write(burst) })
	for xid := first; xid < first+n; xid++ {
		if r := c.reply(); r.Xid != xid || r.Err != wire.OK {
			t.Fatalf("reply %+v, want xid %d", r.ReplyHeader, xid)
		}
	}
	sending.Wait()
}

func TestFramesOutOfBoundsEndTheConnection(t *testing.T) {
	s := zktest.NewServer(t)
	for name, size := range map[string]uint32{
		"one above the limit": wire.MaxFrame + 1,
		"2^31-1":              1<<31 - 1,
		"negative":            1 << 31,
		"-1":                  1<<32 - 1,
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, s)
			c.write(binary.BigEndian.AppendUint32(nil, size))
			c.closed()
		})
	}
	t.Run("empty", func(t *testing.T) {
		c := connect(t, s)
		c.write(make([]byte, 4))
		c.closed()
	})
	t.Run("the largest", func(t *testing.T) {
		c := connect(t, s)
		q := wire.CreateRequest{Path: "/large", ACL: openACL}
		size := len(c.request(wire.OpCreate, &q)) - 4
		q.Data = make([]byte, wire.MaxFrame-size)
		if r := c.do(wire.OpCreate, &q, nil); r.Err != wire.OK {
			t.Errorf("create in a frame of %d bytes: %v", wire.MaxFrame, r.Err)
		}
		if data, _, _ := c.get("/large", false); len(data) != len(q.Data) {
			t.Errorf("read %d bytes, want %d", len(data), len(q.Data))
		}
	})
}

func TestGarbageNeverStopsTheServer(t *testing.T) {
	s := zktest.NewServer(t)
	random := rand.New(rand.NewPCG(1, 2))
	ops := []wire.Op{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 100, 101, 102, 103, 104, 105, 106, 107}
	for _, op := range ops {
		for range 20 {
			b, start := wire.BeginFrame(nil)
			h := wire.RequestHeader{Xid: 1, Op: op}
			b = h.Append(b)
			for range random.IntN(60) {
				// Lengths that lie are the likeliest to hurt.
				b = append(b, [...]byte{0, 0, 0, 0, 0, 1, 0x7f, 0xff, byte(random.Uint32())}[random.IntN(9)])
			}
			c := connect(t, s)
			c.write(wire.EndFrame(b, start))
			c.nc.Close()
		}
	}
	c := connect(t, s)
	c.create("/alive", "", 0)
}

// A pipe has no buffer, so what the server keeps for a client is all there is.
func TestClientThatNeverReadsItsEventsIsCutOff(t *testing.T) {
	s := zktest.NewServer(t, zktest.InMemory)
	path := "/" + strings.Repeat("x", 2000)
	writer := connect(t, s)
	writer.create(path, "", 0)
	deaf := connect(t, s)
	deaf.do(wire.OpAddWatch, &wire.AddWatchRequest{Path: path, Mode: wire.AddPersistent}, nil)

	const n = 4000 // 8 MB of events
	var sending sync.WaitGroup
	sending.Go(func() {
		for range n {
			writer.nc.Write(frame(&wire.RequestHeader{Xid: 1, Op: wire.OpSetData}, &wire.SetDataRequest{Path: path, Version: -1}))
		}
	})
	for range n {
		writer.reply()
	}
	sending.Wait()
	events := bytes.Count(func() []byte { b, _ := readAll(deaf); return b }(), []byte(path))
	if events >= n {
		t.Errorf("all %d events were kept for a client that does not read", n)
	}
}

// readAll reads until the server closes.
func readAll(c *client) ([]byte, error) {
	c.nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	var b bytes.Buffer
	_, err := b.ReadFrom(c.br)
	return b.Bytes(), err
}

func TestClientThatNeverReadsItsRepliesIsNotReadFrom(t *testing.T) {
	s := zktest.NewServer(t, zktest.InMemory)
	c := connect(t, s)
	q := wire.CreateRequest{Path: "/large", ACL: openACL, Data: make([]byte, 500_000)}
	c.do(wire.OpCreate, &q, nil)
	for i := range 100 {
		c.nc.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		_, err := c.nc.Write(c.request(wire.OpGetData, &wire.PathWatchRequest{Path: "/large"}))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	t.Error("the server took 100 requests for 500 kB each and kept the replies")
}

func TestClientThatDoesNotReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		c := session(t, s, 4*time.Second)
		c.send(wire.OpGetData, &wire.PathWatchRequest{Path: "/"})
		start := time.Now()
		for {
			time.Sleep(time.Second)
			if _, err := c.nc.Write(frame(&wire.RequestHeader{Xid: wire.XidPing, Op: wire.OpPing})); err != nil {
				break
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	for name, option := range map[string]func(*zkserver.Config){
		"in all":      func(cfg *zkserver.Config) { cfg.MaxConns = 3; cfg.MaxConnsPerAddr = 100 },
		"per address": func(cfg *zkserver.Config) { cfg.MaxConnsPerAddr = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			s := zktest.NewServer(t, option)
			first := connect(t, s)
			connect(t, s)
			connect(t, s)
			dial(t, s).closed()
			first.do(wire.OpCloseSession, &wire.Empty{}, nil)
			first.closed()
			first.nc.Close()
			for !dial(t, s).handshake0() {
			}
		})
	}
}

// handshake0 reports whether the server answers a handshake.
func (c *client) handshake0() bool {
	c.nc.Write(frame(&wire.ConnectRequest{TimeoutMillis: 5_000, Password: make([]byte, 16)}))
	_, err := wire.ReadFrame(c.br, nil, 1024)
	return err == nil
}

func TestSessionsAreBounded(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxSessions = 2 })
	first := connect(t, s)
	connect(t, s)
	if dial(t, s).handshake0() {
		t.Error("a third session was given")
	}
	if _, ok := reconnect(t, s, first); !ok {
		t.Error("an old session was refused")
	}
}

func TestWatchesAreBounded(t *testing.T) {
	c := connect(t, zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxWatchesPerConn = 2 }))
	for path, want := range map[string]wire.Code{"/a": wire.NoNode, "/b": wire.NoNode} {
		if r := c.do(wire.OpExists, &wire.PathWatchRequest{Path: path, Watch: true}, nil); r.Err != want {
			t.Errorf("watch on %s: %v, want %v", path, r.Err, want)
		}
	}
	if r := c.do(wire.OpExists, &wire.PathWatchRequest{Path: "/c", Watch: true}, nil); r.Err != wire.OperationTimeout {
		t.Errorf("watch on /c: %v, want operation timeout", r.Err)
	}
}

// A client takes all watches of its setWatches for set, whatever the reply says.
func TestSetWatchesAboveTheLimitEndsTheConnection(t *testing.T) {
	c := connect(t, zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.MaxWatchesPerConn = 2 }))
	set := func(paths ...string) { c.send(wire.OpSetWatches, &wire.SetWatchesRequest{Exist: paths}) }
	for range 2 { // again: nothing new
		set("/a", "/b")
		if r := c.reply(); r.Err != wire.OK {
			t.Fatalf("setWatches of two: %v", r.Err)
		}
	}
	if r := c.do(wire.OpExists, &wire.PathWatchRequest{Path: "/a", Watch: true}, nil); r.Err != wire.NoNode {
		t.Errorf("watch that is there already: %v, want no node", r.Err)
	}
	set("/a", "/c")
	c.closed()
}

// What is counted is as if all watches had the longest path that was let in.
func TestRefusedWatchDoesNotCount(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	watch := func(path string) wire.Code {
		return c.do(wire.OpExists, &wire.PathWatchRequest{Path: path, Watch: true}, nil).Err
	}
	for i := range 80 {
		if code := watch(fmt.Sprintf("/%d", i)); code != wire.NoNode {
			t.Fatalf("watch %d: %v", i, code)
		}
	}
	if code := watch("/" + strings.Repeat("x", 1_000_000)); code != wire.OperationTimeout {
		t.Errorf("watch of a megabyte after 80 others: %v, want operation timeout", code)
	}
	if code := watch("/one-more"); code != wire.NoNode {
		t.Errorf("watch after one that was refused: %v, want no node", code)
	}
}
