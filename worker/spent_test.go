package worker_test

import (
	"os"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/worker"
)

// One more attempt would have a number that nobody takes for one, and that would
// be there when it comes to the next.
func TestTaskWithTheLastAttemptThereMayBeIsNotRun(t *testing.T) {
	cfg, p := serverAndPerson(t)
	startWorker(t, worker.Config{Coordinator: cfg, Slots: 1})
	inst := p.instance("w1")
	ran := t.TempDir() + "/ran"
	id := p.submit("touch " + ran)
	if _, err := p.s.Create(t.Context(), coordinator.AttemptPath(id, coordinator.MaxAttempts), []byte("lost"), coordinator.Persistent); err != nil {
		t.Fatal(err)
	}
	p.assign(inst, id, "")
	p.awaitGone(coordinator.AssignmentPath(inst, id))
	data, _, err := p.s.Get(t.Context(), coordinator.StatusPath(id))
	if err != nil || coordinator.ParseStatus(data) != coordinator.StatusDead {
		t.Errorf("status %q, %v, want %s", data, err, coordinator.StatusDead)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("it was run")
	}
	next := p.submit("true") // the slot is free again
	p.assign(inst, next, "")
	if _, status := p.attempt(next, 1); status != coordinator.StatusDone {
		t.Errorf("the next task: %q", status)
	}
}
