package worker_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/worker"
)

// What a person types by hand is run and recorded.
func TestRunsWhatIsAssigned(t *testing.T) {
	cfg, p := serverAndPerson(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plain"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	startWorker(t, worker.Config{
		Coordinator: cfg, Slots: 4,
		Handlers: map[string]worker.Handler{
			"echo":  func(_ context.Context, t worker.Task) ([]byte, error) { return t.Payload, nil },
			"fails": func(context.Context, worker.Task) ([]byte, error) { return nil, errors.New("no luck") },
			"panic": func(context.Context, worker.Task) ([]byte, error) { panic("oh no") },
			"slow":  func(ctx context.Context, _ worker.Task) ([]byte, error) { <-ctx.Done(); return nil, context.Cause(ctx) },
		},
	})
	inst := p.instance("w1")

	tests := []struct {
		name, spec string
		status     coordinator.Status
		exit       int
		stdout     string
		stderr     string
		err        string
		signal     string
	}{
		{name: "text", spec: "echo hi; exit 3", status: "failed", exit: 3, stdout: "hi\n"},
		{name: "shell", spec: `{"shell":"echo err >&2"}`, status: "done", stderr: "err\n"},
		{name: "argv", spec: `{"argv":["printf","%s|","a b","c"]}`, status: "done", stdout: "a b|c|"},
		{name: "empty", spec: "", status: "failed", exit: 126, err: "coordinator: spec: empty command"},
		{name: "bad JSON spec", spec: `{"argv":"x"}`, status: "failed", exit: 126, err: "coordinator: read spec: json"},
		{name: "control", spec: `{"control":"cancel","task":"task-0000000000"}`, status: "failed", exit: 126, err: "worker: a control task"},
		{name: "not found", spec: `{"argv":["no-such-command"]}`, status: "failed", exit: 127, err: "no-such-command: command not found"},
		{name: "path not found", spec: `{"argv":["/no/such/file"]}`, status: "failed", exit: 127, err: "/no/such/file: no such file"},
		{name: "a directory", spec: `{"argv":["/tmp"]}`, status: "failed", exit: 126, err: "/tmp: is a directory"},
		{name: "not executable", spec: `{"argv":["./plain"],"dir":"` + dir + `"}`, status: "failed", exit: 126, err: "permission denied"},
		{name: "no such dir", spec: `{"shell":"true","dir":"/no/such/dir"}`, status: "failed", exit: 126, err: "working directory: stat /no/such/dir"},
		{name: "dir", spec: `{"shell":"pwd; ls","dir":"` + dir + `"}`, status: "done", stdout: dir + "\nplain\n"},
		{name: "signal", spec: "kill -SEGV $$", status: "failed", exit: 139, signal: "SIGSEGV"},
		{name: "timeout", spec: `{"argv":["sleep","1000"],"timeout":0.1}`, status: "timed_out", exit: 143, signal: "SIGTERM"},
		{name: "environment", spec: `{"shell":"echo $A $MW_ATTEMPT $MW_QUEUE $MW_NAME $MW_WORKER","name":"n","env":{"A":"1","MW_ATTEMPT":"99"}}`,
			status: "done", stdout: "1 1 default n " + inst + "\n"},
		{name: "handler", spec: `{"handler":"echo","payload":{"a":1}}`, status: "done", stdout: `{"a":1}`},
		{name: "handler fails", spec: `{"handler":"fails"}`, status: "failed", exit: 1, err: "no luck"},
		{name: "handler times out", spec: `{"handler":"slow","timeout":0.1}`, status: "timed_out", exit: 1, err: "worker: timed out"},
		{name: "no handler", spec: `{"handler":"nobody"}`, status: "failed", exit: 127, err: `this worker has no handler "nobody"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := person{t, p.s}
			id := p.submit(tt.spec)
			p.assign(inst, id, "")
			a, status := p.attempt(id, 1)
			if status != tt.status || string(a.Outcome) != string(tt.status) || a.Exit != tt.exit || a.Signal != tt.signal {
				t.Errorf("status %q, attempt %+v", status, a)
			}
			if string(a.Stdout) != tt.stdout || string(a.Stderr) != tt.stderr || !strings.HasPrefix(a.Error, tt.err) && !strings.Contains(a.Error, tt.err) {
				t.Errorf("stdout %q, stderr %q, error %q", a.Stdout, a.Stderr, a.Error)
			}
			if a.Worker != inst || a.Ended.Before(a.Started) {
				t.Errorf("attempt = %+v", a)
			}
			p.awaitGone(coordinator.AssignmentPath(inst, id))
		})
	}
	t.Run("panic", func(t *testing.T) {
		p := person{t, p.s}
		id := p.submit(`{"handler":"panic"}`)
		p.assign(inst, id, "")
		a, status := p.attempt(id, 1)
		if status != "failed" || a.Error != "panic: oh no" || !strings.Contains(string(a.Stderr), "worker_test.go") {
			t.Errorf("status %q, attempt %+v", status, a)
		}
	})
}

func TestNothingOfTheWorkersEnvironmentLeaks(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg})
	inst := p.instance("w1")
	id := p.submit("tr '\\0' '\\n' </proc/$PPID/environ; env")
	p.assign(inst, id, `{"attempt":7}`)
	a, _ := p.attempt(id, 7)
	out := string(a.Stdout)
	if strings.Contains(out, "hunter2") || !strings.Contains(out, "PATH=") || !strings.Contains(out, "MW_ATTEMPT=7\n") {
		t.Errorf("environment:\n%s", out)
	}
}

func TestTheFenceIsTheAssignmentsZxid(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg})
	inst := p.instance("w1")
	var last string
	for range 3 {
		id := p.submit("echo $MW_FENCE; sleep 0.2")
		p.assign(inst, id, "")
		stat, _, err := p.s.Exists(t.Context(), coordinator.AssignmentPath(inst, id))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := p.attempt(id, 1)
		if got := string(a.Stdout); got != fmt.Sprintln(stat.Czxid) || got <= last {
			t.Errorf("MW_FENCE = %q, want %d, after %q", got, stat.Czxid, last)
		}
		last = string(a.Stdout)
	}
}

func TestAssignmentWithoutASlotIsHandedBack(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg, Slots: 1, StopGrace: time.Second})
	inst := p.instance("w1")
	up := filepath.Join(t.TempDir(), "up")
	long, short := p.submit("touch "+up+"; sleep 1000"), p.submit("echo hi")
	p.assign(inst, long, "")
	awaitFile(t, up)
	p.assign(inst, short, "")
	p.awaitGone(coordinator.AssignmentPath(inst, short))
	if names, _, err := p.s.Children(t.Context(), coordinator.TaskPath(short)); err != nil || len(names) > 0 {
		t.Errorf("a task that was handed back has %v, %v", names, err)
	}
}

func TestTaskTakenAwayIsStoppedAndNotReported(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg, Slots: 1})
	inst := p.instance("w1")
	dir := t.TempDir()
	id := p.submit("trap 'touch " + dir + "/bye; exit 0' TERM; touch " + dir + "/up; sleep 1000 & wait")
	p.assign(inst, id, "")
	awaitFile(t, dir+"/up")
	p.take(inst, id)
	awaitFile(t, dir+"/bye")

	next := p.submit("echo next") // the slot is free again
	p.assign(inst, next, "")
	p.attempt(next, 1)
	if names, _, err := p.s.Children(t.Context(), coordinator.TaskPath(id)); err != nil || len(names) > 0 {
		t.Errorf("a task that was taken away has %v, %v", names, err)
	}
}

// A command that does not end at once takes its slot until it does, and the
// registration says so.
func TestCancelledCommandIsCountedUntilItIsDead(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg, Slots: 2, StopGrace: 300 * time.Millisecond})
	inst := p.instance("w1")
	up := filepath.Join(t.TempDir(), "up")
	id := p.submit("trap '' TERM; touch " + up + "; while :; do sleep 1; done")
	p.assign(inst, id, "")
	awaitFile(t, up)
	p.take(inst, id)
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	var counts []int
	for d := range p.s.FollowData(ctx, coordinator.WorkerPath(inst)) {
		n := coordinator.ParseRegistration(d.Bytes).Stopping
		if counts = append(counts, n); n == 0 && slices.Contains(counts, 1) {
			return
		}
	}
	t.Errorf("stopping = %v, want 1 and then 0", counts)
}

// A person may write the status of a task that a worker runs.
func TestStatusWrittenByHandIsKept(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg})
	inst := p.instance("w1")
	id := p.submit("exit 1")
	if _, err := p.s.Create(t.Context(), coordinator.StatusPath(id), []byte("done"), coordinator.Persistent); err != nil {
		t.Fatal(err)
	}
	p.assign(inst, id, "")
	a, status := p.attempt(id, 1)
	if a.Outcome != coordinator.OutcomeFailed || status != "done" {
		t.Errorf("status %q, attempt %+v", status, a)
	}
	p.awaitGone(coordinator.AssignmentPath(inst, id))
}

func TestRegistrationDeletedByHandComesBack(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg, Slots: 1})
	inst := p.instance("w1")
	dir := t.TempDir()
	id := p.submit("touch " + dir + "/up; sleep 1000")
	p.assign(inst, id, `{"attempt":1}`)
	awaitFile(t, dir+"/up")
	if err := p.s.Delete(t.Context(), coordinator.WorkerPath(inst), coordinator.AnyVersion); err != nil {
		t.Fatal(err)
	}
	next := p.instance("w1", inst)
	if a, status := p.attempt(id, 1); a.Outcome != coordinator.OutcomeInterrupted || status != "" || a.Worker != inst {
		t.Errorf("status %q, attempt %+v", status, a)
	}
	p.assign(next, id, `{"attempt":2}`)
	p.take(next, id)
}

func TestTwoWorkersOnOneDirectory(t *testing.T) {
	dir := t.TempDir()
	startWorker(t, worker.Config{Dir: dir, Coordinator: coordinator.Config{Servers: []string{"127.0.0.1:1"}}})
	_, err := worker.New(worker.Config{Dir: dir})
	want := fmt.Sprintf("worker: %s is in use by another worker (process %d)", dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("New = %v, want %s", err, want)
	}
}

// What is not there any more is made again.
func TestDirectoryIsRemoved(t *testing.T) {
	cfg, p := serverAndPerson(t)
	dir := filepath.Join(t.TempDir(), "data")
	startWorker(t, worker.Config{Coordinator: cfg, Dir: dir})
	inst := p.instance("w1")
	for _, sub := range []string{"", "scratch", "output"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			t.Fatal(err)
		}
		id := p.submit("echo hi; pwd >&2")
		p.assign(inst, id, "")
		a, status := p.attempt(id, 1)
		if status != "done" || string(a.Stdout) != "hi\n" || a.Error != "" || !strings.HasPrefix(string(a.Stderr), dir) {
			t.Errorf("without %q: status %q, attempt %+v", sub, status, a)
		}
		url := "http://" + a.Addr + "/output/" + string(id) + "/1/stdout"
		if code, text := get(t, url, ""); code != 200 || text != "hi\n" {
			t.Errorf("without %q: output = %d, %q", sub, code, text)
		}
	}
	if _, err := worker.New(worker.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("another worker on the directory: %v, want it in use", err)
	}
}

// What the worker cannot do is no fault of the task.
func TestWorkersFaultIsNotTheTasks(t *testing.T) {
	cfg, p := serverAndPerson(t)
	dir := filepath.Join(t.TempDir(), "data")
	startWorker(t, worker.Config{Coordinator: cfg, Dir: dir})
	inst := p.instance("w1")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	id := p.submit("echo hi")
	for range 2 { // the second when the worker rests
		p.assign(inst, id, "")
		p.awaitGone(coordinator.AssignmentPath(inst, id))
		if names, _, err := p.s.Children(t.Context(), coordinator.TaskPath(id)); err != nil || len(names) > 0 {
			t.Fatalf("a task that was handed back has %v, %v", names, err)
		}
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for range 20 { // until the worker has rested
		p.assign(inst, id, "")
		p.awaitGone(coordinator.AssignmentPath(inst, id))
		if _, exists, err := p.s.Exists(t.Context(), coordinator.StatusPath(id)); err != nil {
			t.Fatal(err)
		} else if exists {
			break
		}
	}
	if a, status := p.attempt(id, 1); status != "done" {
		t.Errorf("status %q, attempt %+v", status, a)
	}
}

// A task that kills its guard is charged with it, and can be told from one that
// never began.
func TestSuspectIsMarkedAndCharged(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg, Slots: 2})
	inst := p.instance("w1")
	dir := t.TempDir()
	id := p.submit("touch " + dir + "/up; while [ ! -e " + dir + "/go ]; do sleep 0.05; done; kill -9 $PPID; sleep 1000")
	began := time.Now().UnixMilli()
	p.assign(inst, id, `{"attempt":3,"lost":2}`)
	awaitFile(t, dir+"/up")
	data, _, err := p.s.Get(t.Context(), coordinator.AssignmentPath(inst, id))
	if a := coordinator.ParseAssignment(data); err != nil || !a.Alone || a.Started < began || a.Attempt != 3 || a.Lost != 2 {
		t.Errorf("assignment of what runs = %s, %v", data, err)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a, status := p.attempt(id, 3); a.Outcome != coordinator.OutcomeLost || status != "" {
		t.Errorf("status %q, attempt %+v", status, a)
	}
	if data, _, err := p.s.Get(t.Context(), coordinator.WorkerPath(inst)); err != nil || !coordinator.ParseRegistration(data).Marks {
		t.Errorf("registration = %s, %v", data, err)
	}
}

// A number no attempt can have is as good as none.
func TestAttemptNumbersMadeByHand(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg})
	inst := p.instance("w1")
	id := p.submit("echo hi")
	huge := coordinator.AttemptPath(id, math.MaxInt)
	if _, err := p.s.Create(t.Context(), huge, []byte("lost"), coordinator.Persistent); err != nil {
		t.Fatal(err)
	}
	p.assign(inst, id, `{"attempt":9223372036854775807}`)
	if _, status := p.attempt(id, 1); status != "done" {
		t.Errorf("status %q", status)
	}
}

func TestManyTasksAtOnce(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{
		Coordinator: cfg, Slots: 100,
		Handlers: map[string]worker.Handler{"nop": func(context.Context, worker.Task) ([]byte, error) { return nil, nil }},
	})
	inst := p.instance("w1")
	const n = 300
	var ids []coordinator.TaskID
	for range n / 100 {
		var ops []coordinator.Op
		for range 100 {
			ops = append(ops, coordinator.CreateOp(coordinator.TaskPrefix, []byte(`{"handler":"nop"}`), coordinator.Sequential))
		}
		made, err := p.s.Multi(t.Context(), ops...)
		if err != nil {
			t.Fatal(err)
		}
		ops = nil
		for _, m := range made {
			id := coordinator.TaskID(filepath.Base(m.Path))
			ids = append(ids, id)
			ops = append(ops, coordinator.CreateOp(coordinator.AssignmentPath(inst, id), nil, coordinator.Persistent))
		}
		if _, err := p.s.Multi(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		if _, status := p.attempt(id, 1); status != "done" {
			t.Fatalf("%s ended %q", id, status)
		}
	}
}
