package worker_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/worker"
)

// BenchmarkTasks runs tasks from assignment to recorded status, with fsync:
// the master is made by hand and keeps a few hundred assigned.
func BenchmarkTasks(b *testing.B) {
	b.Run("handler", func(b *testing.B) { benchmarkTasks(b, `{"handler":"nop"}`) })
	b.Run("command", func(b *testing.B) { benchmarkTasks(b, `{"argv":["/bin/true"]}`) })
}

func benchmarkTasks(b *testing.B, spec string) {
	cfg, p := serverAndPerson(b)
	startWorker(b, worker.Config{
		Coordinator: cfg, Slots: 16,
		Handlers: map[string]worker.Handler{"nop": func(context.Context, worker.Task) ([]byte, error) { return nil, nil }},
	})
	inst := p.instance("w1")
	const batch = 100
	var ids []coordinator.TaskID
	for len(ids) < b.N {
		var ops []coordinator.Op
		for range batch {
			ops = append(ops, coordinator.CreateOp(coordinator.TaskPrefix, []byte(spec), coordinator.Sequential))
		}
		made, err := p.s.Multi(b.Context(), ops...)
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range made {
			ids = append(ids, coordinator.TaskID(filepath.Base(m.Path)))
		}
	}
	ids = ids[:b.N]
	b.ResetTimer()
	given := 0
	for c := range p.s.FollowChildren(b.Context(), coordinator.AssignmentsPath(inst)) {
		if given == len(ids) && len(c.Names) == 0 {
			break
		}
		for len(c.Names) < 2*batch && given < len(ids) {
			var ops []coordinator.Op
			for _, id := range ids[given:min(given+batch, len(ids))] {
				ops = append(ops, coordinator.CreateOp(coordinator.AssignmentPath(inst, id), nil, coordinator.Persistent))
			}
			if _, err := p.s.Multi(b.Context(), ops...); err != nil {
				b.Fatal(err)
			}
			given += len(ops)
			c.Names = append(c.Names, make([]string, len(ops))...)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}
