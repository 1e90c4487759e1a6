package mwtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
)

// slack is how much later than the session timeout a dead process's tasks may
// run elsewhere.
const slack = 250 * time.Millisecond

// leeway is how much longer than promised anything may take before a test
// fails: what it took is logged exactly, and a machine that is busy with other
// things breaks no promise of ours.
const leeway = 10 * time.Second

// promised logs what was measured beside what is promised.
func promised(t *testing.T, what string, took, atMost time.Duration) {
	t.Helper()
	t.Logf("%s: %v, promised is at most %v", what, took, atMost)
	if took > atMost+leeway {
		t.Errorf("%s: %v, want at most %v, or %v on a busy machine", what, took, atMost, atMost+leeway)
	}
}

// lasting is a command whose assignment is there for as long as a test looks.
const lasting = "sleep 300"

// A team is a cluster with two masters, of which one leads, and some workers.
type team struct {
	*mwtest.Cluster
	session         *coordinator.Session
	active, standby *mwtest.Process
	workers         []*mwtest.Process
	term            int32
}

func startTeam(t *testing.T, cfg mwtest.Config, workers int) *team {
	t.Helper()
	tm := &team{Cluster: startCluster(t, cfg)}
	tm.session = openSession(t, tm.Cluster)
	tm.active = must(tm.StartMaster("m1"))(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	await(t, ctx, "m1 to lead", func() bool { return tm.leader(ctx, t) == tm.active.Addr })
	tm.standby = must(tm.StartMaster("m2"))(t)
	for i := range workers {
		tm.workers = append(tm.workers, must(tm.StartWorker(fmt.Sprintf("w%d", i+1), 1))(t))
		await(t, ctx, "the worker to register", func() bool { return tm.registered(ctx, t) == i+1 })
	}
	// The standby says that it stands by: from then on its view is warm.
	await(t, ctx, "m2 to stand by", func() bool { return logged(tm.standby, "standing by") })
	return tm
}

// leader reads who is the active master, and notes its term.
func (tm *team) leader(ctx context.Context, t *testing.T) string {
	t.Helper()
	addr, term, err := mwtest.ActiveMaster(ctx, tm.session)
	if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
		t.Fatal(err)
	}
	if err == nil {
		tm.term = term
	}
	return addr
}

func (tm *team) registered(ctx context.Context, t *testing.T) int {
	t.Helper()
	names, _, err := tm.session.Children(ctx, coordinator.WorkersPath)
	if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
		t.Fatal(err)
	}
	return len(names)
}

// registrations tells which write registered each worker: another one, or none,
// says that its session has ended since.
func (tm *team) registrations(ctx context.Context, t *testing.T) map[string]int64 {
	t.Helper()
	names, _, err := tm.session.Children(ctx, coordinator.WorkersPath)
	if err != nil {
		t.Fatal(err)
	}
	written := make(map[string]int64)
	for _, name := range names {
		stat, _, err := tm.session.Exists(ctx, coordinator.WorkerPath(name))
		if err != nil {
			t.Fatal(err)
		}
		written[name] = stat.Czxid
	}
	return written
}

// takeover submits a task once the active master has ended, and returns how long
// after begun the next one assigned it. A master that has only been asked to end
// may still assign the task itself.
func (tm *team) takeover(ctx context.Context, t *testing.T, begun time.Time) time.Duration {
	t.Helper()
	select {
	case <-tm.active.Done():
	case <-ctx.Done():
		t.Fatalf("awaiting the end of %s: %v", tm.active.Name, context.Cause(ctx))
	}
	must(tm.session.Create(ctx, coordinator.TasksPath+"/task-", []byte(lasting), coordinator.Sequential))(t)
	at, err := mwtest.AwaitAssignmentAfter(ctx, tm.session, tm.term)
	if err != nil {
		t.Fatal(err)
	}
	return at.Sub(begun)
}

// The session timeout is long: a takeover that had to wait for it is told from
// one on a slow machine.
func TestGracefulStopHandsOverAtOnce(t *testing.T) {
	tm := startTeam(t, mwtest.Config{SessionTimeout: 40 * time.Second}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	begun := time.Now()
	if err := tm.active.Terminate(); err != nil {
		t.Fatal(err)
	}
	took := tm.takeover(ctx, t, begun)
	promised(t, "SIGTERM to the standby's first assignment", took, 100*time.Millisecond)
}

func TestStandbyTakesOverWithinTheSessionTimeout(t *testing.T) {
	tm := startTeam(t, mwtest.Config{}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	begun := time.Now()
	if err := tm.active.Kill(); err != nil {
		t.Fatal(err)
	}
	took := tm.takeover(ctx, t, begun)
	promised(t, "kill -9 to the standby's first assignment", took, tm.SessionTimeout()+slack)
}

func TestTasksOfADeadWorkerRunElsewhere(t *testing.T) {
	tm := startTeam(t, mwtest.Config{}, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	client := openClient(t, tm.Cluster)
	trace := filepath.Join(t.TempDir(), "starts")
	h := must(client.Submit(ctx, coordinator.Spec{
		Shell: `echo $MW_WORKER >> ` + trace + `; [ $MW_ATTEMPT != 1 ] || ` + lasting,
	}))(t)
	// Who runs it says so: an assignment alone could be of a later attempt.
	var runs *mwtest.Process
	await(t, ctx, "the first attempt to start", func() bool {
		runs = tm.namedIn(trace)
		return runs != nil
	})

	begun := time.Now()
	if err := runs.Kill(); err != nil {
		t.Fatal(err)
	}
	r := must(h.Wait(ctx))(t)
	took := r.Last.Started.Sub(begun)
	// More than two attempts: the second worker's session was lost too, which a
	// machine that stands still for two seconds does.
	if r.Status != coordinator.StatusDone || r.Attempts < 2 {
		t.Errorf("the task is %s after %d attempts, want done after 2", r.Status, r.Attempts)
	}
	t.Logf("%d attempts", r.Attempts)
	promised(t, "kill -9 of the worker to the next attempt's start", took, tm.SessionTimeout()+slack)
}

// namedIn is the worker of which a task wrote the instance to a file, nil
// before it did.
func (tm *team) namedIn(path string) *mwtest.Process {
	text, _ := os.ReadFile(path)
	for _, w := range tm.workers {
		if strings.HasPrefix(string(text), w.Name+"-") {
			return w
		}
	}
	return nil
}

// A master that slept through its session must find that it is none any more,
// and must not disturb the one that took over.
func TestPausedMasterStandsByWhenItWakes(t *testing.T) {
	tm := startTeam(t, mwtest.Config{}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	began := tm.registrations(ctx, t)
	// A stream of tasks keeps the master in the middle of its writes.
	client := openClient(t, tm.Cluster)
	first := must(client.SubmitMany(ctx, repeat(coordinator.Spec{Shell: "sleep 0.01"}, 100)))(t)
	must(first[0].Wait(ctx))(t)
	if err := tm.active.Pause(); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "m2 to lead", func() bool { return tm.leader(ctx, t) == tm.standby.Addr })
	second := must(client.SubmitMany(ctx, repeat(coordinator.Spec{Shell: "sleep 0.01"}, 100)))(t)
	if err := tm.active.Resume(); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "the old master to stand by", func() bool { return logged(tm.active, "standing by") })

	var ids []coordinator.TaskID
	for _, h := range append(first, second...) {
		must(h.Wait(ctx))(t)
		ids = append(ids, h.ID())
	}
	records := must(mwtest.ReadRecords(ctx, tm.session, ids))(t)
	if a := mwtest.NewAudit(records); len(a.Lost) > 0 || len(a.Twice) > 0 {
		t.Errorf("lost %v, recorded twice %v", a.Lost, a.Twice)
	}
	// On a machine that stood still for long, the worker's session may have ended.
	died := !maps.Equal(tm.registrations(ctx, t), began)
	t.Logf("the worker registered anew: %v", died)
	for _, r := range records {
		if len(r.Attempts) != 1 && !died {
			t.Errorf("%s was attempted %d times, want once: no worker died", r.ID, len(r.Attempts))
		}
	}
	if got := tm.leader(ctx, t); got != tm.standby.Addr {
		t.Errorf("/master is %s, want the one that took over, %s", got, tm.standby.Addr)
	}
}

// A worker that sleeps through its session must not run its task beside the
// attempt that replaces it: its commands are dead before that one starts.
func TestPausedWorkersCommandsDieFirst(t *testing.T) {
	tm := startTeam(t, mwtest.Config{}, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	client := openClient(t, tm.Cluster)
	dir := t.TempDir()
	lock, overlap, started := filepath.Join(dir, "lock"), filepath.Join(dir, "overlap"), filepath.Join(dir, "started")
	h := must(client.Submit(ctx, coordinator.Spec{Shell: fmt.Sprintf(
		`exec 9>%s; flock -n 9 || touch %s; touch %s; [ $MW_ATTEMPT != 1 ] || sleep 60`, lock, overlap, started)}))(t)
	await(t, ctx, "the first attempt to start", func() bool { return fileExists(started) })

	loads := must(mwtest.Loads(ctx, tm.session))(t)
	for _, w := range tm.workers {
		if loads[w.Name] == 1 {
			if err := w.Pause(); err != nil {
				t.Fatal(err)
			}
			defer w.Resume()
		}
	}
	r := must(h.Wait(ctx))(t)
	if r.Status != coordinator.StatusDone || r.Attempts < 2 {
		t.Errorf("the task is %s after %d attempts, want done after 2", r.Status, r.Attempts)
	}
	if fileExists(overlap) {
		t.Error("the second attempt started while the first one's command still ran")
	}
}

func repeat(spec coordinator.Spec, n int) []coordinator.Spec {
	specs := make([]coordinator.Spec, n)
	for i := range specs {
		specs[i] = spec
	}
	return specs
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
