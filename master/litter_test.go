package master_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/master"
)

// litter makes a znode below the assignment of a task, and returns its path.
func (w *crewman) litter(id coordinator.TaskID) string {
	w.q.t.Helper()
	path := coordinator.AssignmentPath(w.name, id) + "/x"
	_, err := w.q.s.Create(w.q.t.Context(), path, nil, coordinator.Persistent)
	w.q.must(err)
	return path
}

func TestTaskWhoseAssignmentHasChildrenIsCancelled(t *testing.T) {
	q := newQueue(t)
	q.master()
	w := q.worker("w1", 2)
	ids := q.submit(2, "true")
	w.has(2)
	for _, id := range ids {
		w.litter(id)
	}
	for _, id := range ids {
		q.ends(q.cancel(id), coordinator.StatusDone)
		q.ends(id, coordinator.StatusCancelled)
	}
	w.has(0)
}

func TestTaskWhoseAssignmentHasChildrenIsMovedFromADeadWorker(t *testing.T) {
	q := newQueue(t)
	q.master()
	dead := q.worker("dead", 1)
	id := q.submit(1, "true")[0]
	dead.has(1)
	dead.litter(id)
	dead.die()
	q.worker("w1", 1).work()
	q.ends(id, coordinator.StatusDone)
	q.children(coordinator.AssignPath, 1)
}

// lines takes what is logged, a line at a time.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default: // nobody wants so many
	}
	return len(p), nil
}

// What the master cannot delete keeps a task waiting: the log says so.
func TestTaskThatCannotBeDealtWithIsInTheLog(t *testing.T) {
	q := newQueue(t)
	log := make(lines, 1000)
	q.master(func(c *master.Config) { c.Log = zerolog.New(log).Level(zerolog.WarnLevel) })
	w := q.worker("w1", 1)
	id := q.submit(1, "true")[0]
	w.has(1)
	_, err := q.s.Create(t.Context(), w.litter(id)+"/y", nil, coordinator.Persistent)
	q.must(err)
	q.cancel(id)
	q.await("a line about "+string(id), func(ctx context.Context) bool {
		for {
			select {
			case line := <-log:
				var said struct{ Task, Err string }
				q.must(json.Unmarshal([]byte(line), &said))
				if said.Task == string(id) && strings.Contains(said.Err, "delete "+coordinator.AssignmentPath(w.name, id)) {
					return true
				}
			case <-ctx.Done():
				return false
			}
		}
	})
}
