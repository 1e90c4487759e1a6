package mwtest_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
)

// The walk-through of the master-worker pattern, every role played by a
// person at zkCli.sh.
func TestInteropEveryRoleByHand(t *testing.T) {
	onEach(t, func(t *testing.T, cfg mwtest.Config) {
		c := startCluster(t, cfg)
		m1, m2 := openShell(t, c.Servers()), openShell(t, c.Servers())

		m1.do(`create -e /master "m1.example.com:2223"`, `Created /master`)
		m1.do(`ls /`, `\[master, zookeeper\]`)
		m2.do(`create -e /master "m2.example.com:2223"`, `Node already exists: /master`)
		m2.do(`stat -w /master`, `ephemeralOwner = 0x[1-9a-f]`)
		m1.quit()
		m2.expect(`WatchedEvent state:SyncConnected type:NodeDeleted path:/master`)
		m2.do(`ls /`, `\[zookeeper\]`)
		m2.do(`create -e /master "m2.example.com:2223"`, `Created /master`)

		for _, root := range []string{"/workers", "/tasks", "/assign"} {
			m2.do(`create `+root+` ""`, `Created `+root)
		}
		m2.do(`ls -w /workers`, `\[\]`)
		m2.do(`ls -w /tasks`, `\[\]`)

		w := openShell(t, c.Servers())
		w.do(`create -e /workers/worker1.example.com "worker1.example.com:2224"`, `Created /workers/worker1.example.com`)
		m2.expect(`type:NodeChildrenChanged path:/workers`)
		w.do(`create /assign/worker1.example.com ""`, `Created /assign/worker1.example.com`)
		w.do(`ls -w /assign/worker1.example.com`, `\[\]`)

		client := openShell(t, c.Servers())
		client.do(`create -s /tasks/task- "cmd"`, `Created /tasks/task-0000000000`)
		client.do(`ls -w /tasks/task-0000000000`, `\[\]`)
		m2.expect(`type:NodeChildrenChanged path:/tasks`)
		m2.do(`ls /tasks`, `\[task-0000000000\]`)
		m2.do(`ls /workers`, `\[worker1.example.com\]`)
		m2.do(`create /assign/worker1.example.com/task-0000000000 ""`, `Created /assign/worker1.example.com/task-0000000000`)

		w.expect(`type:NodeChildrenChanged path:/assign/worker1.example.com`)
		w.do(`ls /assign/worker1.example.com`, `\[task-0000000000\]`)
		w.do(`create /tasks/task-0000000000/status "done"`, `Created /tasks/task-0000000000/status`)
		client.expect(`type:NodeChildrenChanged path:/tasks/task-0000000000`)
		client.do(`get -s /tasks/task-0000000000`, `(?s)cmd\n.*cversion = 1\n.*numChildren = 1\n`)
		client.do(`get /tasks/task-0000000000/status`, `done`)
	})
}

// A person is the master: our worker and our submit do not notice.
func TestInteropMasterByHand(t *testing.T) {
	onEach(t, func(t *testing.T, cfg mwtest.Config) {
		c := startCluster(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		m := openShell(t, c.Servers())
		for _, root := range []string{"/workers", "/tasks", "/assign"} {
			m.do(`create `+root+` ""`, `Created `+root)
		}
		m.do(`create -e /master "me:2223"`, `Created /master`)
		m.do(`ls -w /workers`, `\[\]`)
		must(c.StartWorker("w1", 1))(t)
		m.expect(`type:NodeChildrenChanged path:/workers`)
		instance := m.do(`ls /workers`, `\[(w1-[0-9a-f]{8})\]`)

		m.do(`ls -w /tasks`, `\[\]`)
		cmd, out := startMW(ctx, t, c, "submit", "echo hi; exit 3")
		m.expect(`type:NodeChildrenChanged path:/tasks`)
		m.do(`ls /tasks`, `\[task-0000000000\]`)
		m.do(`ls -w /tasks/task-0000000000`, `\[\]`)
		m.do(`create /assign/`+instance+`/task-0000000000 ""`, `Created`)
		m.expect(`type:NodeChildrenChanged path:/tasks/task-0000000000`)
		m.do(`get /tasks/task-0000000000/status`, `failed`)
		m.do(`ls /assign/`+instance, `\[\]`)
		if code := exitCode(cmd.Wait()); code != 3 || out.String() != "hi\n" {
			t.Errorf("mw submit exits %d and prints %q, want 3 and hi", code, out)
		}
	})
}

// A person is the worker: our master assigns to them, and our submit is told.
func TestInteropWorkerByHand(t *testing.T) {
	onEach(t, func(t *testing.T, cfg mwtest.Config) {
		c := startCluster(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		must(c.StartMaster("m1"))(t)
		s := openSession(t, c)
		await(t, ctx, "m1 to lead", func() bool { _, _, err := mwtest.ActiveMaster(ctx, s); return err == nil })

		w := openShell(t, c.Servers())
		w.do(`create -e /workers/w1 "w1:2224"`, `Created /workers/w1`)
		w.do(`create /assign/w1 ""`, `Created /assign/w1`)
		w.do(`ls -w /assign/w1`, `\[\]`)
		cmd, _ := startMW(ctx, t, c, "submit", "cmd")
		w.expect(`type:NodeChildrenChanged path:/assign/w1`)
		w.do(`ls /assign/w1`, `\[task-0000000000\]`)
		w.do(`get /tasks/task-0000000000`, `cmd`)
		w.do(`create /tasks/task-0000000000/status "done"`, `Created`)
		w.do(`delete /assign/w1/task-0000000000`, ``)
		if code := exitCode(cmd.Wait()); code != 0 {
			t.Errorf("mw submit exits %d, want 0", code)
		}

		// The person leaves in the middle of a task: a worker of ours gets it.
		w.do(`ls -w /assign/w1`, `\[\]`)
		cmd, out := startMW(ctx, t, c, "submit", "echo $MW_ATTEMPT")
		w.expect(`type:NodeChildrenChanged path:/assign/w1`)
		must(c.StartWorker("w2", 1))(t)
		w.quit()
		if code := exitCode(cmd.Wait()); code != 0 || out.String() != "2\n" {
			t.Errorf("mw submit exits %d and prints %q, want 0 and 2", code, out)
		}
	})
}

// A person is the client, and a person is the standby master.
func TestInteropClientAndStandbyByHand(t *testing.T) {
	onEach(t, func(t *testing.T, cfg mwtest.Config) {
		c := startCluster(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		m1 := must(c.StartMaster("m1"))(t)
		must(c.StartWorker("w1", 1))(t)
		s := openSession(t, c)
		await(t, ctx, "m1 to lead", func() bool { _, _, err := mwtest.ActiveMaster(ctx, s); return err == nil })

		client := openShell(t, c.Servers())
		client.do(`create -e /master "me:2223"`, `Node already exists: /master`)
		client.do(`stat -w /master`, `ephemeralOwner = 0x[1-9a-f]`)
		client.do(`create -s /tasks/task- "echo hi"`, `Created /tasks/task-0000000000`)
		await(t, ctx, "the task to finish", func() bool {
			_, done, err := s.Exists(ctx, coordinator.StatusPath("task-0000000000"))
			return err == nil && done
		})
		client.do(`ls /tasks/task-0000000000`, `\[attempt-1, status\]`)
		client.do(`get /tasks/task-0000000000/attempt-1`, `"stdout":"hi\\n"`)
		client.do(`get /tasks/task-0000000000/status`, `done`)

		if err := m1.Kill(); err != nil {
			t.Fatal(err)
		}
		client.expect(`type:NodeDeleted path:/master`)
		client.do(`create -e /master "me:2223"`, `Created /master`)
		if err := m1.Start(); err != nil {
			t.Fatal(err)
		}
		await(t, ctx, "m1 to stand by", func() bool { return strings.Count(readLog(m1), "standing by") > 0 })
		client.quit()
		await(t, ctx, "m1 to lead again", func() bool {
			addr, _, err := mwtest.ActiveMaster(ctx, s)
			return err == nil && addr == m1.Addr
		})
	})
}

// The queue's own run under kill -9 of masters and workers, on Apache ZooKeeper.
func TestInteropChaosOnApacheZooKeeper(t *testing.T) {
	newChaos(t, 1, mwtest.Config{Servers: startApache(t)}).run(300)
}

// startMW starts the program as a user of c would and returns its standard output.
func startMW(ctx context.Context, t *testing.T, c *mwtest.Cluster, args ...string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	cmd := exec.CommandContext(ctx, c.Binary(), args...)
	var out strings.Builder
	cmd.Env, cmd.Stdout = c.Environ(), &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// exitCode is the exit status that Wait's error tells of; −1 for a signal or no
// exit at all.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return -1
}
