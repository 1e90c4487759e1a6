package submit

import (
	"fmt"
	"path"

	"github.com/google/uuid"
	"github.com/mwqueue/mw/coordinator"
)

// How much one multi takes. Larger ones gain nothing and delay others.
const (
	batchTasks = 100
	batchBytes = 256 << 10
)

// A batch is tasks that are created together, by one multi, or not at all.
type batch struct {
	keys  []string // of each task: how it is found again
	ops   []coordinator.Op
	bytes int
	given bool // some of the keys are the caller's: another process may use them too

	// searched counts the creates under /tasks that have been looked through
	// for given keys.
	searched int64
}

// newBatches checks specs, gives each a key, and cuts them into batches.
func newBatches(specs []coordinator.Spec) ([]*batch, error) {
	var batches []*batch
	given := make(map[string]int)
	for i, spec := range specs {
		keyed := spec.Key != ""
		if keyed {
			if j, twice := given[spec.Key]; twice {
				return nil, fmt.Errorf("submit: specs %d and %d have the same key %q", j, i, spec.Key)
			}
			given[spec.Key] = i
		} else {
			spec.Key = uuid.NewString()
		}
		if err := spec.Validate(); err != nil {
			return nil, fmt.Errorf("submit: %w", err)
		}
		op := coordinator.CreateOp(coordinator.TaskPrefix, spec.Encode(), coordinator.Sequential)
		if n := len(batches); n == 0 || batches[n-1].full(op) {
			batches = append(batches, new(batch))
		}
		b := batches[len(batches)-1]
		b.keys = append(b.keys, spec.Key)
		b.ops = append(b.ops, op)
		b.bytes += op.Size()
		b.given = b.given || keyed
	}
	return batches, nil
}

func (b *batch) full(next coordinator.Op) bool {
	return len(b.ops) >= batchTasks || b.bytes+next.Size() > batchBytes
}

// multi is the transaction that creates the batch if /tasks is still as v
// says. Given keys also move the version on, so that whoever read the tasks
// at v before us, looking for the same key, is refused.
func (b *batch) multi(v view) []coordinator.Op {
	fence := coordinator.CheckOp(coordinator.TasksPath, v.version)
	if b.given {
		fence = coordinator.SetOp(coordinator.TasksPath, v.data, v.version)
	}
	return append([]coordinator.Op{fence}, b.ops...)
}

// created reads the tasks' IDs from what the multi answered.
func (b *batch) created(results []coordinator.OpResult) ([]coordinator.TaskID, error) {
	if len(results) != 1+len(b.ops) {
		return nil, fmt.Errorf("submit: the service answered %d of %d operations", len(results), 1+len(b.ops))
	}
	ids := make([]coordinator.TaskID, len(b.ops))
	for i, r := range results[1:] {
		ids[i] = coordinator.TaskID(path.Base(r.Path))
	}
	return ids, nil
}

// pick returns the IDs of the batch's tasks when all are in found.
func (b *batch) pick(found map[string]coordinator.TaskID) ([]coordinator.TaskID, bool) {
	ids := make([]coordinator.TaskID, len(b.keys))
	for i, key := range b.keys {
		id, ok := found[key]
		if !ok {
			return nil, false
		}
		ids[i] = id
	}
	return ids, true
}
