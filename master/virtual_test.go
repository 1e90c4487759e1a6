package master_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/master"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/zktest"
	"github.com/rs/zerolog"
)

const virtualTimeout = 5 * time.Second

// inBubble runs a test in virtual time, with a server in memory. What is done
// by way of the link can be cut off from it.
func inBubble(t *testing.T, test func(q *queue, link *victim)) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer(t, zktest.InMemory)
		front := zktest.NewListener()
		q := &queue{t: t, cfg: coordinator.Config{
			Servers: []string{server.Addr()}, Dial: server.Dial, SessionTimeout: virtualTimeout,
		}}
		link := &victim{zktest.NewMemoryProxy(t, front, server.Listener()), *q}
		link.cfg.Dial = front.Dial
		q.s = q.connect(q.cfg)
		link.s = q.s
		q.must(q.s.EnsureTree(t.Context()))
		test(q, link)
	})
}

// victim is a queue that reaches the service by a link that can be cut.
type victim struct {
	*zktest.Proxy
	queue
}

// inMemory has a master's HTTP server listen in memory, too: a socket would
// hold up the virtual time.
func inMemory(c *master.Config) { c.Listener = zktest.NewListener() }

// A session that falls silent is over after its timeout; the service notices
// within 100 ms. Another 150 are for us.
const noticed = virtualTimeout + 250*time.Millisecond

func TestStandbyLeadsWhenTheMasterFallsSilent(t *testing.T) {
	inBubble(t, func(q *queue, link *victim) {
		log := make(lines, 100)
		zombie := link.master(inMemory, func(c *master.Config) { c.Log = zerolog.New(log).Level(zerolog.WarnLevel) })
		q.leads(zombie)
		_, stat, err := q.s.Get(q.t.Context(), coordinator.MasterPath)
		q.must(err)
		q.master(inMemory)
		w := q.worker("w1", 10)
		q.submit(1, "true")
		w.has(1)

		link.SetMode(zktest.Silence)
		silent := time.Now()
		q.submit(1, "true")
		w.has(2)
		if took := time.Since(silent); took > noticed {
			t.Errorf("the standby's first assignment after %v, want within %v", took, noticed)
		}
		name := fmt.Sprintf(`"session":"0x%x"`, uint64(stat.EphemeralOwner)) // as the service's log has it
		if line := <-log; !strings.Contains(line, name) || !strings.Contains(line, "session over") {
			t.Errorf("the first warning is not that session %s is over: %s", name, line)
		}
		link.SetMode(zktest.Pass)
	})
}

func TestTasksMoveWhenTheirWorkerFallsSilent(t *testing.T) {
	inBubble(t, func(q *queue, link *victim) {
		q.master(inMemory)
		dead := link.worker("dead", 10)
		q.submit(10, "true")
		dead.has(10)
		w := q.worker("w1", 10)

		link.SetMode(zktest.Silence)
		silent := time.Now()
		w.has(10)
		if took := time.Since(silent); took > noticed {
			t.Errorf("the tasks are elsewhere after %v, want within %v", took, noticed)
		}
		link.SetMode(zktest.Pass)
	})
}

func TestRetentionOfAnHour(t *testing.T) {
	inBubble(t, func(q *queue, _ *victim) {
		q.master(inMemory)
		ids := q.submit(5, "true")
		q.worker("w1", 1).work()
		q.ends(ids[4], coordinator.StatusDone)
		ended := time.Now()
		time.Sleep(59 * time.Minute)
		q.children(coordinator.TasksPath, 5)
		time.Sleep(time.Minute)
		q.children(coordinator.TasksPath, 0)
		if took := time.Since(ended); took > time.Hour+time.Second {
			t.Errorf("deleted after %v", took)
		}
	})
}

// An idle master writes nothing, and reads next to nothing.
func TestIdleMasterLeavesTheTreeAlone(t *testing.T) {
	inBubble(t, func(q *queue, _ *victim) { testIdle(q) })
}

func testIdle(q *queue) {
	var sent atomic.Int64
	m := q.master(inMemory, func(c *master.Config) { c.Coordinator.Dial = counting(&sent, c.Coordinator.Dial) })
	q.leads(m)
	q.master(inMemory)
	w := q.worker("w1", 1)
	ids := q.submit(3, "true")
	w.has(1)
	q.must(w.report(q.t.Context(), ids[0], coordinator.OutcomeDone, coordinator.StatusDone))
	w.hasOnly(ids[1])
	before := q.zxid()
	settled := sent.Load()
	const idle = 10 * time.Minute
	time.Sleep(idle)
	if after := q.zxid(); after != before {
		q.t.Errorf("zxid went from %x to %x in %v", before, after, idle)
	}
	// Six probes of the lease in a session timeout, and a listing of each of
	// the few paths a minute.
	if sent, most := sent.Load()-settled, int64(idle/virtualTimeout*6*40+idle/time.Minute*20*60); sent > most {
		q.t.Errorf("an idle master sent %d bytes in %v, want at most %d", sent, idle, most)
	}
}

type dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// counting counts the bytes that are written.
func counting(sent *atomic.Int64, to dial) dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := to(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return countingConn{c, sent}, nil
	}
}

type countingConn struct {
	net.Conn
	sent *atomic.Int64
}

func (c countingConn) Write(b []byte) (int, error) {
	c.sent.Add(int64(len(b)))
	return c.Conn.Write(b)
}

// zxid is that of the last change below the roots.
func (q *queue) zxid() (last int64) {
	q.t.Helper()
	paths := []string{coordinator.TasksPath, coordinator.WorkersPath, coordinator.AssignPath}
	names, _, err := q.s.Children(q.t.Context(), coordinator.AssignPath)
	q.must(err)
	for _, name := range names {
		paths = append(paths, coordinator.AssignmentsPath(name))
	}
	for _, path := range paths {
		stat, _, err := q.s.Exists(q.t.Context(), path)
		q.must(err)
		last = max(last, stat.Pzxid, stat.Mzxid)
	}
	return last
}

// The server's disk is full for a minute. Neither the master that leads nor one
// that stands by or comes then gives up.
func TestMastersWaitWhileTheDiskOfTheServerIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		server := zktest.NewServer(t, zktest.OnDisk(disk), zktest.InMemory)
		q := &queue{t: t, cfg: coordinator.Config{
			Servers: []string{server.Addr()}, Dial: server.Dial, SessionTimeout: virtualTimeout,
		}}
		q.s = q.connect(q.cfg)
		q.must(q.s.EnsureTree(t.Context()))
		halfMinute := func(c *master.Config) { c.Retention = 30 * time.Second }
		q.leads(q.master(inMemory, halfMinute))
		q.master(inMemory, halfMinute)
		w := q.worker("w1", 1)
		w.has(0)
		old := q.submit(1, "true")[0] // to be deleted in half a minute
		w.has(1)
		q.must(w.report(t.Context(), old, coordinator.OutcomeDone, coordinator.StatusDone))
		first := q.submit(1, "true")[0]
		w.hasOnly(first)
		rest := q.submit(5, "true")

		disk.SetCapacity(1)
		for filler := make([]byte, coordinator.MaxDataBytes); ; {
			_, err := q.s.Create(t.Context(), "/filler-", filler, coordinator.Sequential)
			if errors.Is(err, coordinator.ErrTryLater) {
				break
			}
			q.must(err)
		}
		q.master(inMemory, halfMinute)
		reported := make(chan struct{})
		go func() {
			defer close(reported)
			q.must(q.s.Insist(t.Context(), func() error {
				return w.report(t.Context(), first, coordinator.OutcomeDone, coordinator.StatusDone)
			}))
		}()
		time.Sleep(time.Minute)
		disk.SetCapacity(0)
		<-reported
		w.work()
		for _, id := range rest {
			q.ends(id, coordinator.StatusDone)
		}
		q.children(coordinator.TasksPath, 0)
	})
}
