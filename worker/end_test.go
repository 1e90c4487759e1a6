package worker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/worker"
)

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
	p.awaitGone(coordinator.AssignmentsPath(inst))
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
	p.awaitGone(coordinator.AssignmentsPath(inst))
}
