package submit_test

import (
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// A task that waits tells what is missing, step by step until it is assigned.
func TestObstacleIsWhatATaskWaitsFor(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	h, err := c.Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	create := func(path string, data []byte) {
		t.Helper()
		if _, err := s.Create(t.Context(), path, data, coordinator.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, want submit.Obstacle) {
		t.Helper()
		if got, err := c.Obstacle(t.Context(), "task-0000004711", h.ID()); err != nil || got != want {
			t.Errorf("%s: obstacle = %d (%v), want %d", when, got, err, want)
		}
	}
	const w1, w2, w3 = "w1-0a0a0a0a", "w2-0b0b0b0b", "w3-0c0c0c0c"
	check("at first", submit.NoMaster)
	create(coordinator.MasterPath, nil)
	check("with a master", submit.NoWorker)
	create(coordinator.AssignmentsPath(w1), nil)
	create(coordinator.AssignmentPath(w1, "task-0000000099"), nil)
	check("with what a worker left", submit.NoWorker)
	create(coordinator.WorkerPath(w3), []byte(`{"slots": 4, "draining": true}`))
	check("with one that drains", submit.NoWorker)
	create(coordinator.WorkerPath(w1), coordinator.Registration{Slots: 1}.Encode())
	check("with a busy worker", submit.NoRoom)
	create(coordinator.WorkerPath(w2), coordinator.Registration{Slots: 1}.Encode())
	check("with a free worker", submit.NoObstacle)
	create(coordinator.AssignmentsPath(w2), nil)
	create(coordinator.AssignmentPath(w2, h.ID()), nil)
	check("assigned, and no room left", submit.NoObstacle)
}
