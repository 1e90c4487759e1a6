package submit

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/google/uuid"
	"github.com/mwqueue/mw/coordinator"
)

// How much one multi takes. Larger ones gain nothing and delay others.
const (
	batchTasks = 100
	batchBytes = 256 << 10
)

// maxSkips bounds the numbers that one multi passes over, and maxTaken how
// often a batch meets a taken one before it gives up. Each time at the same
// place, twice as many are passed over.
const (
	maxSkips = 150
	maxTaken = 16
)

// A batch is tasks that are created together, by one multi, or not at all.
type batch struct {
	keys  []string // of each task: how it is found again
	specs [][]byte // of each task, encoded
	ops   []coordinator.Op
	bytes int
	given bool // some of the keys are the caller's: another process may use them too

	// skips says how many numbers to pass over before each task, because
	// znodes that somebody made by hand have them. Empty: none anywhere.
	skips []int
	taken int // how often a number was found to be taken

	// searched is the view up to which tasks have been looked through for given
	// keys.
	searched view
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
		data := spec.Encode()
		op := coordinator.CreateOp(coordinator.TaskPrefix, data, coordinator.Sequential)
		if n := len(batches); n == 0 || batches[n-1].full(op) {
			batches = append(batches, new(batch))
		}
		b := batches[len(batches)-1]
		b.keys = append(b.keys, spec.Key)
		b.specs = append(b.specs, data)
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
//
// A number is passed over by creating and deleting a znode: every create under
// /tasks counts, and one that is refused does not.
func (b *batch) multi(v view) []coordinator.Op {
	fence := coordinator.CheckOp(coordinator.TasksPath, v.version)
	if b.given {
		fence = coordinator.SetOp(coordinator.TasksPath, v.data, v.version)
	}
	ops := []coordinator.Op{fence}
	for i, op := range b.ops {
		for range b.skip(i) {
			path := coordinator.TasksPath + "/skip-" + uuid.NewString()
			ops = append(ops,
				coordinator.CreateOp(path, nil, coordinator.Persistent),
				coordinator.DeleteOp(path, coordinator.AnyVersion))
		}
		ops = append(ops, op)
	}
	return ops
}

// skip is how many numbers are passed over before task i.
func (b *batch) skip(i int) int {
	if len(b.skips) == 0 {
		return 0
	}
	return b.skips[i]
}

// places are where the tasks stand in the multi.
func (b *batch) places() []int {
	places, next := make([]int, len(b.ops)), 1 // after the fence
	for i := range b.ops {
		next += 2 * b.skip(i)
		places[i] = next
		next++
	}
	return places
}

// passOver makes the next multi pass over the number that refused the task at
// place in this one. It is false when there were too many of those.
func (b *batch) passOver(place int) bool {
	i := slices.Index(b.places(), place)
	b.taken++
	if i < 0 || b.taken > maxTaken {
		return false
	}
	if len(b.skips) == 0 {
		b.skips = make([]int, len(b.ops))
	}
	total := 0
	for _, n := range b.skips {
		total += n
	}
	if total == maxSkips {
		return false
	}
	b.skips[i] += min(max(1, b.skips[i]), maxSkips-total)
	return true
}

// created reads the tasks' IDs from what the multi answered.
func (b *batch) created(results []coordinator.OpResult) ([]coordinator.TaskID, error) {
	places := b.places()
	if want := 1 + places[len(places)-1]; len(results) != want {
		return nil, fmt.Errorf("submit: the service answered %d of %d operations", len(results), want)
	}
	ids := make([]coordinator.TaskID, len(b.ops))
	for i, place := range places {
		ids[i] = coordinator.TaskID(path.Base(results[place].Path))
	}
	return ids, nil
}

// pick returns the IDs of the batch's tasks when found has all of them, and
// none when it has none. It is an error when a key belongs to another task than
// ours, or only some of them are in use.
func (b *batch) pick(found map[string]holder) ([]coordinator.TaskID, error) {
	var ids []coordinator.TaskID
	for i, key := range b.keys {
		h, ok := found[key]
		if !ok {
			continue
		}
		if !sameSpec(h.data, b.specs[i]) {
			return nil, &KeyUsedError{Key: key, Task: h.id}
		}
		ids = append(ids, h.id)
	}
	if n := len(ids); n > 0 && n < len(b.keys) {
		return nil, fmt.Errorf("submit: %d of %d keys: %w", n, len(b.keys), ErrKeyUsed)
	}
	return ids, nil
}

// A holder is the task that has a key, and what its znode holds.
type holder struct {
	id   coordinator.TaskID
	data []byte
}

// sameSpec reports whether two encoded specs say the same. One that was typed
// by hand may say it in another form than ours.
func sameSpec(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	sa, erra := coordinator.ParseSpec(a)
	sb, errb := coordinator.ParseSpec(b)
	return erra == nil && errb == nil && bytes.Equal(sa.Encode(), sb.Encode())
}

// ErrKeyUsed: keys that were given belong to tasks that are there and are not
// the ones submitted, as [KeyUsedError] says, or only some of a transaction's do.
var ErrKeyUsed = errors.New("submit: key in use")

// A KeyUsedError says which task has a key that was given to a different one.
// It wraps [ErrKeyUsed]. Nothing was submitted in that transaction.
type KeyUsedError struct {
	Key  string
	Task coordinator.TaskID
}

func (e *KeyUsedError) Error() string {
	return fmt.Sprintf("submit: %s has the key %q and is not the same task", e.Task, e.Key)
}

func (e *KeyUsedError) Unwrap() error { return ErrKeyUsed }
