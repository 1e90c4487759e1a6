package submit_test

import (
	"testing"

	"github.com/mwqueue/mw/coordinator"
)

// Whether a command has been started is known to its worker alone.
func TestRunningIsWhatTheWorkerSays(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	const started, queued, elsewhere = coordinator.TaskID("task-0000000000"), coordinator.TaskID("task-0000000001"), coordinator.TaskID("task-0000000002")
	const w1, w2 = "w1-0a0a0a0a", "w2-0b0b0b0b"
	create := func(path string, data []byte) {
		t.Helper()
		if _, err := s.Create(t.Context(), path, data, coordinator.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.SubmitMany(t.Context(), numbered(4)); err != nil {
		t.Fatal(err)
	}
	serves := workerHTTP(t, map[string]string{string(started) + "/1/stdout": ""})
	create(coordinator.WorkerPath(w1), coordinator.Registration{Addr: serves}.Encode())
	create(coordinator.WorkerPath(w2), coordinator.Registration{Addr: deadAddr(t)}.Encode())
	create(coordinator.AssignmentsPath(w1), nil)
	create(coordinator.AssignmentsPath(w2), nil)
	create(coordinator.AssignmentPath(w1, started), nil) // by hand: the worker counts the attempts
	create(coordinator.AssignmentPath(w1, queued), coordinator.Assignment{Attempt: 1}.Encode())
	create(coordinator.AssignmentPath(w2, elsewhere), coordinator.Assignment{Attempt: 1}.Encode())
	tests := []struct {
		id      coordinator.TaskID
		running bool
		asked   bool // the worker could be
	}{
		{id: started, running: true, asked: true},
		{id: queued, asked: true},
		{id: elsewhere},
		{id: "task-0000000003", asked: true}, // waits
	}
	for _, tt := range tests {
		running, err := c.Handle(tt.id).Running(t.Context())
		if running != tt.running || (err == nil) != tt.asked {
			t.Errorf("%s runs: %v (%v), want %v", tt.id, running, err, tt.running)
		}
	}
}
