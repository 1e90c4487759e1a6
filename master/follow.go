package master

import (
	"context"
	"sync"

	"github.com/mwqueue/mw/coordinator"
)

// A fact is one call on the board, made by the loop that owns it.
type fact func(*board)

// follower turns what changes in the tree into facts.
//
//	/tasks          -> tasksListed; while there are many only what is new -> tasksCame
//	/workers        -> workersListed; for each worker its data -> registered
//	/assign         -> parentsListed; for each list its tasks  -> assignedListed
//
// Facts of one path are told in the order they were read. Who takes them
// slowly skips states, but never misses the last.
type follower struct {
	s     *coordinator.Session
	facts chan<- fact
	wg    sync.WaitGroup // everyone who may send a fact
}

// run blocks until ctx or the session ends.
func (f *follower) run(ctx context.Context) {
	f.wg.Go(func() {
		for e := range f.s.FollowTasks(ctx) {
			f.tell(ctx, func(b *board) {
				b.rooted(coordinator.TasksPath, e.Stat.Czxid)
				if e.Whole {
					b.tasksListed(e.Names, e.Stat.Pzxid)
				} else {
					b.tasksCame(e.Names)
				}
			})
		}
	})
	f.wg.Go(func() {
		f.each(ctx, coordinator.WorkersPath, (*board).workersListed, f.followRegistration)
	})
	f.wg.Go(func() {
		f.each(ctx, coordinator.AssignPath, (*board).parentsListed, f.followAssignments)
	})
	f.wg.Wait()
}

// tell blocks until the fact is taken or ctx ends. A fact that is carried out
// only after the end of ctx says nothing: its znode is not followed any more.
func (f *follower) tell(ctx context.Context, is fact) {
	current := func(b *board) {
		if ctx.Err() == nil {
			is(b)
		}
	}
	select {
	case f.facts <- current:
	case <-ctx.Done():
	}
}

// each follows the children of a path, and has one goroutine follow each child
// for as long as it is there.
func (f *follower) each(
	ctx context.Context, path string,
	listed func(b *board, names []string, zxid int64),
	follow func(ctx context.Context, name string),
) {
	following := make(map[string]context.CancelFunc)
	defer func() {
		for _, cancel := range following {
			cancel()
		}
	}()
	for c := range f.s.FollowChildren(ctx, path) {
		there := make(map[string]bool, len(c.Names))
		for _, name := range c.Names {
			there[name] = true
		}
		for name, cancel := range following {
			if !there[name] {
				cancel() // first, so that what it told is of no use after the list without it
				delete(following, name)
			}
		}
		f.tell(ctx, func(b *board) {
			b.rooted(path, c.Stat.Czxid)
			listed(b, c.Names, c.Stat.Pzxid)
		})
		for _, name := range c.Names {
			if following[name] == nil {
				child, cancel := context.WithCancel(ctx)
				following[name] = cancel
				f.wg.Go(func() { follow(child, name) })
			}
		}
	}
}

func (f *follower) followRegistration(ctx context.Context, name string) {
	for d := range f.s.FollowData(ctx, coordinator.WorkerPath(name)) {
		if d.Exists {
			f.tell(ctx, func(b *board) { b.registered(name, d.Bytes) })
		}
	}
}

func (f *follower) followAssignments(ctx context.Context, name string) {
	for c := range f.s.FollowChildren(ctx, coordinator.AssignmentsPath(name)) {
		if c.Exists {
			f.tell(ctx, func(b *board) { b.assignedListed(name, c.Names, c.Stat.Pzxid) })
		}
	}
}
