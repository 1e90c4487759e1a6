package zkserver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	goodclient "github.com/mwqueue/mw/zkserver/client"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A writer writes again what is refused because the disk is full, and remembers
// the last number that was acknowledged.
type writer struct {
	acked, refused int
	worst          time.Duration // for any answer
	err            error
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context, c *goodclient.Client, path string) {
	for ctx.Err() == nil {
		began := time.Now()
		_, err := c.Set(context.Background(), path, []byte(strconv.Itoa(w.acked+1)), -1)
		w.worst = max(w.worst, time.Since(began))
		var refused *goodclient.Error
		switch {
		case err == nil:
			w.acked++
		case errors.As(err, &refused) && refused.Code == wire.OperationTimeout:
			w.refused++
		default:
			w.err = err
			return
		}
	}
}

// attacks are what hostile clients do on a connection of their own, again and
// again. Errors are what they came for.
var attacks = map[string]func(nc net.Conn, hello []byte, random *rand.Rand){
	"hang up":    func(net.Conn, []byte, *rand.Rand) {},
	"half hello": func(nc net.Conn, hello []byte, _ *rand.Rand) { nc.Write(hello[:9]) },
	"garbage": func(nc net.Conn, hello []byte, random *rand.Rand) {
		nc.Write(hello)
		for range 100 {
			b := make([]byte, 12+random.IntN(100))
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			binary.BigEndian.PutUint32(b, uint32(len(b)-4))
			binary.BigEndian.PutUint32(b[8:], uint32(random.IntN(110)))
			nc.Write(b)
		}
	},
	"fill": func(nc net.Conn, hello []byte, random *rand.Rand) {
		nc.Write(hello)
		for range 4 {
			nc.Write(frame(&wire.RequestHeader{Xid: 1, Op: wire.OpSetData}, &wire.SetDataRequest{Path: "/junk", Version: -1, Data: make([]byte, 300_000)}))
		}
	},
	"watch and never read": func(nc net.Conn, hello []byte, _ *rand.Rand) {
		nc.Write(hello)
		nc.Write(frame(&wire.RequestHeader{Xid: 1, Op: wire.OpAddWatch}, &wire.AddWatchRequest{Path: "/", Mode: wire.AddPersistentRecursive}))
		for range 50 {
			nc.Write(frame(&wire.RequestHeader{Xid: 2, Op: wire.OpGetData}, &wire.PathWatchRequest{Path: "/junk", Watch: true}))
		}
	},
	"half a megabyte": func(nc net.Conn, hello []byte, _ *rand.Rand) {
		nc.Write(hello)
		nc.Write([]byte{0, 0x0f, 0xff, 0xff})
		nc.Write(make([]byte, 500_000))
	},
	"auth": func(nc net.Conn, hello []byte, random *rand.Rand) {
		nc.Write(hello)
		for i := range 100 {
			nc.Write(frame(&wire.RequestHeader{Xid: wire.XidAuth, Op: wire.OpAuth}, &wire.AuthRequest{Scheme: "digest", Auth: []byte(strconv.Itoa(i) + ":x")}))
		}
	},
}

// All at once, and the disk is filled to the last byte and freed again meanwhile:
// good clients are answered, memory stays bounded, and after a restart everything
// that was acknowledged is there.
func TestStormOnAFullDiskLosesNothing(t *testing.T) {
	disk := waltest.New(7)
	s := zktest.NewServer(t, zktest.OnDisk(disk), func(cfg *zkserver.Config) {
		cfg.MaxOutput, cfg.MaxInput, cfg.SnapshotBytes = 16<<20, 4<<20, 8<<20
		cfg.SegmentBytes = 2 << 20
	})
	c := dialGood(t, s)
	for _, path := range []string{"/junk", "/good"} {
		if _, err := c.Create(t.Context(), path, nil, wire.FlagPersistent, goodclient.OpenACL); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second*time.Duration(*hostileScale))
	defer cancel()
	var all sync.WaitGroup
	var w writer
	all.Go(func() { w.run(ctx, c, "/good") })
	hello := frame(&wire.ConnectRequest{TimeoutMillis: 4000, Password: make([]byte, 16)})
	for _, attack := range attacks {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, 2))
			for ctx.Err() == nil {
				nc, err := net.Dial("tcp", s.Addr())
				if err != nil {
					return // out of ports or files: there were enough
				}
				nc.SetDeadline(time.Now().Add(500 * time.Millisecond))
				attack(nc, hello, random)
				nc.Close()
			}
		})
	}
	all.Go(func() { fillAndEmpty(ctx, disk) })
	before := heap()
	var most int64
	all.Go(func() {
		every := time.NewTicker(200 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
				most = max(most, heap())
			}
		}
	})
	all.Wait()
	t.Logf("%d writes acknowledged, %d refused, the slowest answer after %v; %d MiB more in use at most, the disk in memory included",
		w.acked, w.refused, w.worst, (most-before)>>20)
	if w.err != nil || w.worst > patience || w.acked == 0 {
		t.Errorf("a good client: %d acknowledged, slowest %v, %v", w.acked, w.worst, w.err)
	}
	if most-before > 400<<20 {
		t.Errorf("%d MiB more in use", (most-before)>>20)
	}
	c.Close()
	s.PowerCut()
	s.Restart()
	if data, _, _ := connect(t, s).get("/good", false); data != strconv.Itoa(w.acked) {
		t.Errorf("%d writes were acknowledged, after a power cut there are %q", w.acked, data)
	}
}

// fillAndEmpty leaves the disk no room, and then room again, until ctx ends.
func fillAndEmpty(ctx context.Context, disk *waltest.Disk) {
	full := time.NewTicker(700 * time.Millisecond)
	defer full.Stop()
	for limit := int64(1); ; limit = 1 - limit {
		select {
		case <-ctx.Done():
			disk.SetCapacity(0)
			return
		case <-full.C:
			disk.SetCapacity(limit * disk.Used())
		}
	}
}
