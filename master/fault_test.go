package master_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/master"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// through makes a master reach the service by way of a proxy.
func (q *queue) through() (*zktest.Proxy, func(*master.Config)) {
	p := zktest.NewProxy(q.t, q.cfg.Servers[0])
	return p, func(c *master.Config) { c.Coordinator.Servers = []string{p.Addr()} }
}

// Between a master and the service nothing gets through for longer than its
// session. It must not write when it does again.
func TestZombieMasterIsRefusedAndStandsBy(t *testing.T) {
	q := newQueue(t)
	p, byProxy := q.through()
	zombie := q.master(byProxy)
	q.leads(zombie)
	heir := q.master()
	w := q.worker("w1", 1000)
	q.submit(10, "true")
	w.has(10)

	p.SetMode(zktest.Silence)
	q.submit(10, "true")
	q.leads(heir)
	w.has(20)
	p.SetMode(zktest.Pass)
	q.role(zombie, "standby")
	q.submit(10, "true")
	w.has(30)
	q.termOf(w, 2)
}

// termOf checks how many terms have assigned the tasks a worker has.
func (q *queue) termOf(w *crewman, want int) {
	q.t.Helper()
	names, _, err := q.s.Children(q.t.Context(), coordinator.AssignmentsPath(w.name))
	q.must(err)
	terms := make(map[int32]int)
	for _, name := range names {
		data, _, err := q.s.Get(q.t.Context(), coordinator.AssignmentPath(w.name, coordinator.TaskID(name)))
		q.must(err)
		terms[coordinator.ParseAssignment(data).Term]++
	}
	if len(terms) != want {
		q.t.Errorf("tasks by term = %v, want %d terms", terms, want)
	}
}

// The connection is cut again and again in the middle of the traffic, so that
// the answers of many writes are lost. The master must neither lose a task nor
// assign one twice; it begins new terms.
func TestMasterWhoseConnectionIsCut(t *testing.T) {
	q := newQueue(t)
	p, byProxy := q.through()
	q.leads(q.master(byProxy))
	reports := q.worker("w1", 4).work()
	more := q.worker("w2", 4).work()
	ids := q.submit(1000, "true")
	for n := range 20 {
		p.CutAfter(zktest.Replies, 200+n*997)
		q.ends(ids[(n+1)*40], coordinator.StatusDone)
	}
	for _, id := range ids {
		q.ends(id, coordinator.StatusDone)
		if got := q.outcomes(id); len(got) != 1 {
			t.Errorf("attempts of %s = %v, want one", id, got)
		}
	}
	if got := reports.Load() + more.Load(); got > int64(len(ids)) {
		t.Errorf("%d reports for %d tasks", got, len(ids))
	}
}

// A server restart loses every connection and keeps the sessions.
func TestMasterSurvivesRestartOfTheServer(t *testing.T) {
	server := zktest.NewServer(t)
	q := &queue{t: t, cfg: coordinator.Config{Servers: []string{server.Addr()}, SessionTimeout: 4 * time.Second}}
	q.s = q.connect(q.cfg)
	q.must(q.s.EnsureTree(t.Context()))
	q.leads(q.master())
	q.worker("w1", 4).work()
	ids := q.submit(500, "true")
	q.ends(ids[100], coordinator.StatusDone)
	server.Stop()
	server.Restart()
	for _, id := range ids {
		q.ends(id, coordinator.StatusDone)
	}
}

// 100,000 tasks wait and 10,000 are finished when a cold master takes over.
func TestTakeoverOfALongQueue(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a queue for a while")
	}
	q := newQueue(t)
	q.cfg.SessionTimeout = 30 * time.Second // none ends because the machine is busy
	q.s = q.connect(q.cfg)
	finished := q.submit(10_000, "true")
	for i := 0; i < len(finished); i += 200 {
		var ops []coordinator.Op
		for _, id := range finished[i : i+200] {
			ops = append(ops,
				coordinator.CreateOp(coordinator.AttemptPath(id, 1), []byte(`{"outcome":"done"}`), coordinator.Persistent),
				coordinator.CreateOp(coordinator.StatusPath(id), []byte("done"), coordinator.Persistent))
		}
		_, err := q.s.Multi(t.Context(), ops...)
		q.must(err)
	}
	waiting := q.submit(100_000, strings.Repeat("x", 200))
	w := q.worker("w1", 50)

	heap := heapInUse()
	began := time.Now()
	m := q.master()
	for _, name := range w.has(50) {
		if coordinator.CompareTaskIDs(coordinator.TaskID(name), waiting[50]) >= 0 {
			t.Errorf("assigned %s, which is not of the oldest", name)
		}
	}
	t.Logf("50 tasks assigned %v after a cold start; 2 s are promised, 0.3 s it takes on an idle machine", time.Since(began))
	heir := q.master()
	q.view(heir, "a warm standby", func(v master.View) bool { return v.Tasks.Final == len(finished) })
	w.s.Close()
	w2 := q.worker("w2", 50)
	w2.has(50)
	q.submit(1, "true")
	m.stop()
	began = time.Now()
	q.leads(heir)
	w3 := q.worker("w3", 10)
	w3.has(10)
	t.Logf("10 tasks assigned %v after the stop, by a warm standby, worker joining included", time.Since(began))
	t.Logf("heap grew by %d MB for two masters and the test's own", (heapInUse()-heap)>>20)
}

func heapInUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// How many assignments a second go through one master.
func BenchmarkAssign(b *testing.B) {
	q := newQueue(b)
	q.master()
	n := max(b.N, 1000)
	q.submit(n, "true")
	b.ResetTimer()
	w := q.worker("w1", n)
	w.has(n)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tasks/s")
}

// A task from its submission to the assignment, on an idle system.
func BenchmarkSubmitToAssign(b *testing.B) {
	q := newQueue(b)
	q.master()
	w := q.worker("w1", 1)
	lists := q.s.FollowChildren(b.Context(), coordinator.AssignmentsPath(w.name))
	<-lists
	for b.Loop() {
		id := q.submit(1, "true")[0]
		for c := range lists {
			if len(c.Names) == 1 {
				break
			}
		}
		b.StopTimer()
		q.must(w.report(context.Background(), id, coordinator.OutcomeDone, coordinator.StatusDone))
		for c := range lists {
			if len(c.Names) == 0 {
				break
			}
		}
		b.StartTimer()
	}
}
