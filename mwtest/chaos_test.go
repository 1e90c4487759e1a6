package mwtest_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
	"github.com/mwqueue/mw/submit"
	"golang.org/x/sync/errgroup"
)

var (
	chaosRuns  = flag.Int("chaos.runs", 1, "how many times TestChaos runs")
	chaosSeed  = flag.Uint64("chaos.seed", 0, "the seed of TestChaos's first run; 0 takes a new one")
	chaosTasks = flag.Int("chaos.tasks", 1000, "how many tasks a run of TestChaos submits")

	chaosMembers = flag.Int("chaos.members", 1, "how many servers TestChaos has")
)

// Everything is killed with SIGKILL or paused past its session, again and
// again, while tasks run: none is lost, none recorded twice, none runs in two
// places at once, every final state is right.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes about a minute; not tested: the queue under kill -9 of everything")
	}
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	for run := range *chaosRuns {
		t.Run(fmt.Sprintf("seed=%d", seed+uint64(run)), func(t *testing.T) {
			newChaos(t, seed+uint64(run), mwtest.Config{Members: *chaosMembers}).run(*chaosTasks)
		})
	}
}

// root is the name of the test that t is a part of.
func root(t *testing.T) string {
	name, _, _ := strings.Cut(t.Name(), "/")
	return name
}

// A chaos is one run: a cluster, a client and somebody who kills.
type chaos struct {
	t       *testing.T
	rng     *rand.Rand // of the one who kills
	cluster *mwtest.Cluster
	client  *submit.Client
	masters []*mwtest.Process
	workers []*mwtest.Process
	dir     string         // where tasks leave traces
	faults  map[string]int // how many of each were done
}

func newChaos(t *testing.T, seed uint64, cfg mwtest.Config) *chaos {
	t.Helper()
	t.Logf("seed %d: to replay, go test ./mwtest -run '^%s$' -args -chaos.seed=%d -chaos.tasks=%d -chaos.members=%d", seed, root(t), seed, *chaosTasks, cfg.Members)
	cfg.Dir = t.TempDir()
	c := &chaos{t: t, rng: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), faults: make(map[string]int)}
	c.cluster = startCluster(t, cfg)
	c.client = openClient(t, c.cluster)
	for i := range 2 {
		c.masters = append(c.masters, must(c.cluster.StartMaster(fmt.Sprintf("m%d", i+1)))(t))
	}
	for i := range 4 {
		c.workers = append(c.workers, must(c.cluster.StartWorker(fmt.Sprintf("w%d", i+1), 4))(t))
	}
	return c
}

// run submits n tasks, kills until all are final, and audits the tree.
func (c *chaos) run(n int) {
	t := c.t
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	kill, stop := context.WithCancel(ctx)
	defer stop()

	var g errgroup.Group
	g.Go(func() error { return c.killUntil(kill) })
	results, err := c.submitAndWait(ctx, n)
	stop()
	if kerr := g.Wait(); kerr != nil {
		t.Fatal(kerr)
	}
	if err != nil {
		t.Fatalf("%v (faults so far: %v)", err, c.faults)
	}
	c.audit(ctx, results)
}

// spec is the i-th task: it leaves a trace when it meets another run of
// itself, prints its number and ends with an exit code of its own.
func (c *chaos) spec(i int) coordinator.Spec {
	lock := filepath.Join(c.dir, fmt.Sprintf("lock-%d", i))
	overlap := filepath.Join(c.dir, "overlaps")
	return coordinator.Spec{Shell: fmt.Sprintf(
		`exec 9>%s; flock -n 9 || echo %d >> %s; sleep 0.%02d; echo out-%d; exit %d`,
		lock, i, overlap, i%47, i, wantExit(i))}
}

func wantExit(i int) int {
	if i%5 == 0 {
		return i % 100
	}
	return 0
}

// submitAndWait submits n tasks in batches and waits for each.
func (c *chaos) submitAndWait(ctx context.Context, n int) ([]submit.Result, error) {
	const batch = 20
	results := make([]submit.Result, n)
	g, ctx := errgroup.WithContext(ctx)
	for first := 0; first < n; first += batch {
		var specs []coordinator.Spec
		for i := first; i < min(first+batch, n); i++ {
			specs = append(specs, c.spec(i))
		}
		handles, err := c.client.SubmitMany(ctx, specs)
		if err != nil {
			return nil, fmt.Errorf("submit: %w", err)
		}
		for j, h := range handles {
			g.Go(func() (err error) {
				results[first+j], err = h.Wait(ctx)
				return err
			})
		}
	}
	return results, g.Wait()
}

// killUntil breaks one thing after another until ctx ends, then leaves all running.
func (c *chaos) killUntil(ctx context.Context) error {
	servers := c.cluster.Members()
	for {
		if !c.pause(ctx, 300*time.Millisecond, 1500*time.Millisecond) {
			return nil
		}
		var err error
		switch k := c.rng.IntN(10); {
		case k < 4:
			err = c.restart(ctx, "kill worker", pick(c.rng, c.workers))
		case k < 6:
			err = c.restart(ctx, "kill master", pick(c.rng, c.masters))
		case k < 8 && len(servers) > 0:
			err = c.restart(ctx, "kill server", pick(c.rng, servers))
		case k < 9 && len(servers) > 2 && c.rng.IntN(2) == 0:
			err = c.freeze(ctx, "pause server", pick(c.rng, servers))
		case k < 9:
			err = c.freeze(ctx, "pause worker", pick(c.rng, c.workers))
		default:
			err = c.freeze(ctx, "pause master", pick(c.rng, c.masters))
		}
		if err != nil {
			return err
		}
	}
}

// pause waits a time that the seed chooses and reports whether ctx still lives.
func (c *chaos) pause(ctx context.Context, least, most time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(least + time.Duration(c.rng.Int64N(int64(most-least)))):
		return true
	}
}

// begin counts and notes a fault. The seed chooses which comes when to whom; how
// far the tasks have come by then is the machine's doing.
func (c *chaos) begin(fault string, p *mwtest.Process) {
	c.faults[fault]++
	c.cluster.Note("chaos: %s %s", fault, p.Name)
}

// restart kills p with SIGKILL and starts it again a moment later.
func (c *chaos) restart(ctx context.Context, fault string, p *mwtest.Process) error {
	c.begin(fault, p)
	if err := p.Kill(); err != nil {
		return err
	}
	c.pause(ctx, time.Millisecond, 800*time.Millisecond)
	return p.Start()
}

// freeze stops p for longer than its session lives, then lets it go on.
func (c *chaos) freeze(ctx context.Context, fault string, p *mwtest.Process) error {
	c.begin(fault, p)
	if err := p.Pause(); err != nil {
		return err
	}
	c.pause(ctx, c.cluster.SessionTimeout(), 2*c.cluster.SessionTimeout())
	return p.Resume()
}

// audit compares every result and the tree with what was submitted.
func (c *chaos) audit(ctx context.Context, results []submit.Result) {
	t := c.t
	session := openSession(t, c.cluster)
	ids := make([]coordinator.TaskID, len(results))
	suspect := make(map[coordinator.TaskID]bool) // whose records are to be shown
	for i, r := range results {
		ids[i] = r.ID
		if want := fmt.Sprintf("out-%d\n", i); string(r.Last.Stdout) != want || r.Last.Exit != wantExit(i) {
			t.Errorf("task %d (%s) is %s with exit %d and output %q, want exit %d and %q",
				i, r.ID, r.Status, r.Last.Exit, r.Last.Stdout, wantExit(i), want)
			suspect[r.ID] = true
		}
	}
	records, err := mwtest.ReadRecords(ctx, session, ids)
	if err != nil {
		t.Fatal(err)
	}
	a := mwtest.NewAudit(records)
	if len(a.Lost) > 0 || len(a.Twice) > 0 {
		t.Errorf("lost %v, recorded twice %v", a.Lost, a.Twice)
	}
	if len(a.Dead) > 0 {
		t.Errorf("dead though they kill no worker: %v", a.Dead)
	}
	for _, r := range records {
		if suspect[r.ID] || slices.Contains(slices.Concat(a.Lost, a.Twice, a.Dead), r.ID) {
			t.Log(r)
		}
	}
	names, _, err := session.Children(ctx, coordinator.TasksPath)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != len(ids) {
		t.Errorf("the tree holds %d tasks, submitted %d", len(names), len(ids))
	}
	if met, err := os.ReadFile(filepath.Join(c.dir, "overlaps")); err == nil {
		t.Errorf("tasks that ran in two places at once: %s", strings.Fields(string(met)))
	}
	t.Logf("%d tasks, %d attempts, %d moved, 0 lost, faults %v", a.Tasks, a.Attempts, a.Moved, c.faults)
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }
