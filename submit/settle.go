package submit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// readsInFlight is how many reads a call keeps under way: enough to fill the
// connection, beyond that only latency grows.
const readsInFlight = 64

// errDeleted: tasks that were created since have been deleted again, or their
// ACL keeps them from us, so what is there cannot tell what happened.
var errDeleted = fmt.Errorf("%w: tasks created meanwhile have been deleted, or may not be read", coordinator.ErrUnknownOutcome)

// settle finds out what became of a create whose reply was lost. It returns
// the tasks' IDs if it happened; none if it did not, and cannot any more.
func (cr *creation) settle(ctx context.Context, s *coordinator.Session) ([]coordinator.TaskID, error) {
	doubt, log := cr.doubt, cr.c.log
	// From here on no create sent at doubt is executed: its version has passed.
	_, err := s.Set(ctx, coordinator.TasksPath, doubt.data, doubt.version)
	if err != nil && !errors.Is(err, coordinator.ErrBadVersion) && !errors.Is(err, coordinator.ErrNoNode) {
		return nil, fmt.Errorf("submit: fence a lost create: %w", err)
	}
	if err := cr.c.forget(ctx, s, doubt); err != nil {
		return nil, fmt.Errorf("submit: settle a lost create: %w", err)
	}
	found, err := find(ctx, s, doubt, cr.b.keys)
	if err != nil {
		return nil, err
	}
	ids, err := cr.b.pick(found.tasks)
	if err != nil {
		return nil, err
	}
	if ids != nil {
		log.Debug().Str("task", string(ids[0])).Msg("lost create had happened")
		return ids, nil
	}
	if !found.complete() {
		return nil, fmt.Errorf("submit: settle a lost create: %w", errDeleted)
	}
	log.Debug().Msg("lost create had not happened")
	return nil, nil
}

// lookUp looks for tasks with the batch's given keys. Without any, it returns
// the view at which there were none.
func (cr *creation) lookUp(ctx context.Context, s *coordinator.Session) ([]coordinator.TaskID, view, error) {
	b := cr.b
	if err := s.Sync(ctx, coordinator.TasksPath); err != nil {
		return nil, view{}, fmt.Errorf("submit: look for a key: %w", err)
	}
	v, err := cr.c.readView(ctx, s) // before the tasks: what is created later moves the version
	if err != nil {
		return nil, view{}, err
	}
	found, err := find(ctx, s, b.searched, b.keys)
	if err != nil {
		return nil, view{}, err
	}
	ids, err := b.pick(found.tasks)
	if err == nil && ids == nil {
		b.searched = found.now
	}
	return ids, v, err
}

// found is what a search through tasks gave.
type found struct {
	tasks    map[string]holder // by key
	now      view              // at which the tasks were listed
	from     coordinator.Seq   // the number the search began with
	numbered coordinator.Seq   // how many of the numbers from there to now a task was read for
}

// complete reports whether no task created since the search's beginning can
// have escaped it. Each of those creates used up a number: its task's own, if
// it was sequential. A znode that was made by hand beyond the counter has a
// number that no create has used up, and counts for nothing.
func (f *found) complete() bool { return f.numbered == f.now.created-f.from }

// find reads the tasks with numbers that were not given out at since, and
// above, newest first, until all keys are found. When /tasks is not the one it
// was at since, but one that was made anew, it reads all.
func find(ctx context.Context, s *coordinator.Session, since view, keys []string) (*found, error) {
	names, stat, err := s.Children(ctx, coordinator.TasksPath)
	if err != nil {
		return nil, fmt.Errorf("submit: list %s: %w", coordinator.TasksPath, err)
	}
	f := &found{tasks: make(map[string]holder, len(keys)), now: newView(nil, stat, coordinator.TasksCreated(stat, names))}
	if since.sameTree(f.now) {
		f.from = since.created.Near(f.now.created)
	}
	for window := range slices.Chunk(fromNumber(names, f.from), 4*readsInFlight) {
		if err := f.readWindow(ctx, s, window, keys); err != nil {
			return nil, fmt.Errorf("submit: read tasks: %w", err)
		}
		if len(f.tasks) == len(keys) {
			break
		}
	}
	return f, nil
}

// fromNumber picks the tasks with numbers from and above, newest first.
func fromNumber(names []string, from coordinator.Seq) []coordinator.TaskID {
	type numbered struct {
		id coordinator.TaskID
		n  coordinator.Seq
	}
	var tasks []numbered // numbers are read once each, not once a comparison
	for _, name := range names {
		id := coordinator.TaskID(name)
		if n, ok := id.Seq(); ok && n >= from {
			tasks = append(tasks, numbered{id, n})
		}
	}
	slices.SortFunc(tasks, func(a, b numbered) int { return cmp.Compare(b.n, a.n) })
	ids := make([]coordinator.TaskID, len(tasks))
	for i, t := range tasks {
		ids[i] = t.id
	}
	return ids
}

// readWindow reads the specs of ids and notes those with one of keys.
func (f *found) readWindow(ctx context.Context, s *coordinator.Session, ids []coordinator.TaskID, keys []string) error {
	var mu sync.Mutex // protects f
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsInFlight)
	for _, id := range ids {
		g.Go(func() error {
			data, _, err := s.Get(ctx, coordinator.TaskPath(id))
			if errors.Is(err, coordinator.ErrNoNode) || errors.Is(err, coordinator.ErrNoAuth) {
				return nil // deleted since it was listed, or, as ours are open to all, somebody else's
			}
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if n, ok := coordinator.ParseTaskSeq(string(id)); ok && n < f.now.created {
				f.numbered++
			}
			if spec, err := coordinator.ParseSpec(data); err == nil && slices.Contains(keys, spec.Key) {
				f.tasks[spec.Key] = holder{id, data}
			}
			return nil
		})
	}
	return g.Wait()
}
