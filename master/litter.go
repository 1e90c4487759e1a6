package master

import (
	"context"
	"errors"

	"github.com/mwqueue/mw/coordinator"
)

// littered reports that a move was refused because an assignment has children.
// Only people make such; while they are there, the task can neither be cancelled
// nor moved away from a dead worker.
func littered(m move, refusal *coordinator.MultiError) bool {
	return errors.Is(refusal.Err, coordinator.ErrNotEmpty) && m.from != "" && m.kind != dismiss &&
		refusal.Op.Path() == coordinator.AssignmentPath(m.from, m.task.TaskID())
}

// sweep deletes the children of an assignment, as many as one multi does, and
// reports whether it did. What keeps it from that will be in the log, with the
// task it keeps waiting.
func (c carrier) sweep(ctx context.Context, path string) bool {
	names, _, err := c.s.Children(ctx, path)
	if err != nil {
		return false
	}
	if len(names) == 0 {
		return true // somebody else did
	}
	b := &batch{}
	for _, name := range names[:min(len(names), batchCost)] {
		b.add(0, other, removeOp(path+"/"+name))
	}
	if err := c.write(ctx, b); err != nil {
		return false
	}
	c.log.Warn().Str("path", path).Int("count", len(b.ops)).Msg("children of an assignment deleted")
	return true
}
