package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/worker"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// person plays master and client by hand, with a session of their own.
type person struct {
	t testing.TB
	s *coordinator.Session
}

func newPerson(t testing.TB, cfg coordinator.Config) person {
	t.Helper()
	s, err := coordinator.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.EnsureTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	return person{t, s}
}

// soon bounds what a test waits for.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (p person) submit(spec string) coordinator.TaskID {
	p.t.Helper()
	path, err := p.s.Create(p.t.Context(), coordinator.TaskPrefix, []byte(spec), coordinator.Sequential)
	if err != nil {
		p.t.Fatal(err)
	}
	return coordinator.TaskID(filepath.Base(path))
}

func (p person) assign(instance string, id coordinator.TaskID, data string) {
	p.t.Helper()
	if _, err := p.s.Create(p.t.Context(), coordinator.AssignmentPath(instance, id), []byte(data), coordinator.Persistent); err != nil {
		p.t.Fatal(err)
	}
}

func (p person) take(instance string, id coordinator.TaskID) {
	p.t.Helper()
	if err := p.s.Delete(p.t.Context(), coordinator.AssignmentPath(instance, id), coordinator.AnyVersion); err != nil {
		p.t.Fatal(err)
	}
}

func (p person) awaitGone(path string) {
	p.t.Helper()
	if err := p.s.AwaitGone(soon(p.t), path); err != nil {
		p.t.Fatal(err)
	}
}

// instance waits for a registration of the worker, other than those given.
func (p person) instance(name string, not ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithCancel(soon(p.t))
	defer cancel()
	for c := range p.s.FollowChildren(ctx, coordinator.WorkersPath) {
		for _, inst := range c.Names {
			if strings.HasPrefix(inst, name+"-") && !contains(not, inst) {
				return inst
			}
		}
	}
	p.t.Fatalf("worker %s does not register", name)
	return ""
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// attempt waits for the record of an attempt, and for the task's status, which
// is "" if there is none then.
func (p person) attempt(id coordinator.TaskID, n int) (coordinator.Attempt, coordinator.Status) {
	p.t.Helper()
	path := coordinator.AttemptPath(id, n)
	if err := p.s.AwaitExists(soon(p.t), path); err != nil {
		p.t.Fatalf("attempt %d of %s: %v", n, id, err)
	}
	data, _, err := p.s.Get(p.t.Context(), path)
	if err != nil {
		p.t.Fatal(err)
	}
	status, _, err := p.s.Get(p.t.Context(), coordinator.StatusPath(id))
	if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
		p.t.Fatal(err)
	}
	return coordinator.ParseAttemptData(data), coordinator.ParseStatus(status)
}

// running is a worker that runs in the test.
type running struct {
	*worker.Worker
	drain, stop func()
	done        chan error
}

// wait returns what Run returned.
func (r running) wait(t testing.TB) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-soon(t).Done():
		t.Fatal("the worker does not end")
		return nil
	}
}

func startWorker(t testing.TB, cfg worker.Config) running {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "w1"
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.Guard = []string{os.Args[0], "guard"}
	w, err := worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	drain := make(chan struct{})
	r := running{Worker: w, stop: stop, done: make(chan error, 1)}
	var drained bool
	r.drain = func() {
		if !drained {
			drained = true
			close(drain)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- w.Run(ctx, drain)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return r
}

func serverAndPerson(t testing.TB) (coordinator.Config, person) {
	t.Helper()
	srv := zktest.NewServer(t)
	cfg := coordinator.Config{Servers: []string{srv.Addr()}, SessionTimeout: 2 * time.Second}
	return cfg, newPerson(t, cfg)
}

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
	id := p.submit("tr '\\0' '\\n' </proc/$PPID/environ; env; umask")
	p.assign(inst, id, `{"attempt":7}`)
	a, _ := p.attempt(id, 7)
	out := string(a.Stdout)
	if strings.Contains(out, "hunter2") || !strings.Contains(out, "PATH=") || !strings.Contains(out, "MW_ATTEMPT=7\n") || !strings.HasSuffix(out, "0077\n") {
		t.Errorf("environment and umask:\n%s", out)
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

func TestDrainHandsBackAndFinishes(t *testing.T) {
	cfg, p := serverAndPerson(t)
	r := startWorker(t, worker.Config{Coordinator: cfg, Slots: 1})
	inst := p.instance("w1")
	dir := t.TempDir()
	first := p.submit("touch " + dir + "/up; while [ ! -e " + dir + "/go ]; do sleep 0.05; done; echo done")
	p.assign(inst, first, "")
	awaitFile(t, filepath.Join(dir, "up"))
	second := p.submit("echo never")
	p.assign(inst, second, "")
	r.drain()
	p.awaitGone(coordinator.AssignmentPath(inst, second))
	if names, _, err := p.s.Children(t.Context(), coordinator.TaskPath(second)); err != nil || len(names) > 0 {
		t.Errorf("a task that was handed back has %v, %v", names, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.wait(t); err != nil {
		t.Errorf("Run after drain = %v, want nil", err)
	}
	if a, status := p.attempt(first, 1); status != "done" || string(a.Stdout) != "done\n" {
		t.Errorf("the running task ended %q, %+v", status, a)
	}
	p.awaitGone(coordinator.WorkerPath(inst))
}

// awaitFile waits for a file that a command makes.
func awaitFile(t testing.TB, path string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := soon(t); ; {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.Done():
			t.Fatalf("%s does not appear", path)
		}
	}
}

func TestAssignmentWithoutASlotIsHandedBack(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg, Slots: 1, StopGrace: time.Second})
	inst := p.instance("w1")
	long, short := p.submit("sleep 1000"), p.submit("echo hi")
	p.assign(inst, long, "")
	p.assign(inst, short, "")
	p.awaitGone(coordinator.AssignmentPath(inst, short))
	if names, _, err := p.s.Children(t.Context(), coordinator.TaskPath(short)); err != nil || len(names) > 0 {
		t.Errorf("a task that was handed back has %v, %v", names, err)
	}
}

func TestStopInterruptsAndRecordsIt(t *testing.T) {
	cfg, p := serverAndPerson(t)
	r := startWorker(t, worker.Config{Coordinator: cfg, Slots: 2, StopGrace: 300 * time.Millisecond})
	inst := p.instance("w1")
	dir := t.TempDir()
	polite := p.submit("trap 'echo bye; exit 0' TERM; touch " + dir + "/a; sleep 1000 & wait")
	stubborn := p.submit("trap '' TERM; touch " + dir + "/b; while :; do sleep 1; done")
	p.assign(inst, polite, "")
	p.assign(inst, stubborn, "")
	awaitFile(t, dir+"/a")
	awaitFile(t, dir+"/b")
	r.stop()
	if err := r.wait(t); !errors.Is(err, context.Canceled) {
		t.Errorf("Run after stop = %v, want context canceled", err)
	}
	for id, signal := range map[coordinator.TaskID]string{polite: "", stubborn: "SIGKILL"} {
		a, status := p.attempt(id, 1)
		if a.Outcome != coordinator.OutcomeInterrupted || status != "" || a.Signal != signal {
			t.Errorf("%s: status %q, attempt %+v", id, status, a)
		}
		p.awaitGone(coordinator.AssignmentPath(inst, id))
	}
	p.awaitGone(coordinator.WorkerPath(inst))
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
	want := fmt.Sprintf("worker: %s is in use by another worker (pid %d)", dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("New = %v, want %s", err, want)
	}
}

func get(t testing.TB, url, host string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("X-Content-Type-Options"); resp.StatusCode == 200 && got != "nosniff" {
		t.Errorf("X-Content-Type-Options = %q", got)
	}
	return resp.StatusCode, string(body)
}

func TestOutputOverHTTP(t *testing.T) {
	cfg, p := serverAndPerson(t)
	r := startWorker(t, worker.Config{Coordinator: cfg, Slots: 1})
	inst := p.instance("w1")
	dir := t.TempDir()
	id := p.submit("echo one; touch " + dir + "/up; while [ ! -e " + dir + "/go ]; do sleep 0.05; done; echo two")
	p.assign(inst, id, "")
	awaitFile(t, dir+"/up")
	url := fmt.Sprintf("http://%s/output/%s/1/", r.Addr(), id)

	followed := make(chan string, 1)
	go func() {
		_, body := get(t, url+"stdout?follow=1", "")
		followed <- body
	}()
	if code, body := get(t, url+"stderr", ""); code != 200 || body != "" {
		t.Errorf("a stream without output of a running attempt: %d %q", code, body)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-followed; got != "one\ntwo\n" {
		t.Errorf("followed = %q", got)
	}
	p.attempt(id, 1)

	tests := []struct {
		name, url, host string
		code            int
		body            string
	}{
		{"all", url + "stdout", "", 200, "one\ntwo\n"},
		{"ended and silent", url + "stderr", "", 404, "no such output here\n"},
		{"another attempt", strings.Replace(url, "/1/", "/2/", 1) + "stdout", "", 404, "no such output here\n"},
		{"bad stream", url + "lock", "", 400, "want /output/<task>/<attempt>/<stdout|stderr>\n"},
		{"way out", fmt.Sprintf("http://%s/output/..%%2f..%%2flock/1/stdout", r.Addr()), "", 400, "want /output/<task>/<attempt>/<stdout|stderr>\n"},
		{"health", fmt.Sprintf("http://%s/healthz", r.Addr()), "localhost:1", 200, `{"name":"w1","running":0,"slots":1,"version":""}` + "\n"},
		{"another's name", url + "stdout", "evil.example", 421, "this worker is not called that\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code, body := get(t, tt.url, tt.host); code != tt.code || body != tt.body {
				t.Errorf("got %d %q, want %d %q", code, body, tt.code, tt.body)
			}
		})
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
