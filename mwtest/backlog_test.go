package mwtest_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
	"golang.org/x/sync/errgroup"
)

// A hundred thousand tasks wait and nobody works: masters stay small, a
// takeover assigns soon, and a person who looks is answered.
func TestBacklogOfAHundredThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute; not tested: 100,000 waiting tasks")
	}
	const tasks = 100_000
	tm := startTeam(t, mwtest.Config{SessionTimeout: 40 * time.Second}, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	fill(ctx, t, tm.session, tasks)

	t.Run("mw ps answers within a second", func(t *testing.T) {
		begun := time.Now()
		cmd := exec.CommandContext(ctx, tm.Binary(), "ps")
		cmd.Env = tm.Environ()
		out, err := cmd.CombinedOutput()
		took := time.Since(begun)
		if err != nil {
			t.Errorf("mw ps: %v\n%s", err, out)
		}
		promised(t, "mw ps", took, time.Second)
	})
	t.Run("a takeover assigns within two seconds", func(t *testing.T) {
		// A worker by hand: its one slot is free at the moment of the takeover.
		registerByHand(ctx, t, tm.session, "hand")
		begun := time.Now()
		if err := tm.active.Terminate(); err != nil {
			t.Fatal(err)
		}
		<-tm.active.Done()
		freeByHand(ctx, t, tm.session, "hand")
		at, err := mwtest.AwaitAssignmentAfter(ctx, tm.session, tm.term)
		if err != nil {
			t.Fatal(err)
		}
		promised(t, "SIGTERM to the standby's first assignment", at.Sub(begun), 2*time.Second)
	})
	t.Run("the master stays under 300 MB", func(t *testing.T) {
		peak := peakMemory(t, tm.standby.PID())
		t.Logf("the master's peak resident memory: %d MB", peak>>20)
		if peak > 300<<20 {
			t.Errorf("the master's peak resident memory is %d MB, want at most 300", peak>>20)
		}
	})
}

// fill creates n waiting tasks, many a transaction.
func fill(ctx context.Context, t *testing.T, s *coordinator.Session, n int) {
	t.Helper()
	const batch = 200
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for range n / batch {
		g.Go(func() error {
			ops := make([]coordinator.Op, batch)
			for i := range ops {
				ops[i] = coordinator.CreateOp(coordinator.TasksPath+"/task-", []byte("true"), coordinator.Sequential)
			}
			_, err := s.Multi(ctx, ops...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func registerByHand(ctx context.Context, t *testing.T, s *coordinator.Session, instance string) {
	t.Helper()
	must(s.Create(ctx, coordinator.AssignmentsPath(instance), nil, coordinator.Persistent))(t)
	must(s.Create(ctx, coordinator.WorkerPath(instance), []byte("127.0.0.1:1"), coordinator.Ephemeral))(t)
}

// freeByHand takes back whatever the worker owes.
func freeByHand(ctx context.Context, t *testing.T, s *coordinator.Session, instance string) {
	t.Helper()
	names, _, err := s.Children(ctx, coordinator.AssignmentsPath(instance))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := s.Delete(ctx, coordinator.AssignmentPath(instance, coordinator.TaskID(name)), coordinator.AnyVersion); err != nil {
			t.Fatal(err)
		}
	}
}

var vmHWM = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory is the most resident memory a process has had, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Skip("no /proc here; not tested: the master's memory")
	}
	m := vmHWM.FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in\n%s", status)
	}
	kb, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kb << 10
}
