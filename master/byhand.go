package master

import (
	"context"
	"iter"
	"slices"

	"github.com/mwqueue/mw/coordinator"
)

// byHand yields the tasks of the living workers that are people.
func (b *board) byHand() iter.Seq[seq] {
	return func(yield func(seq) bool) {
		for _, w := range b.crew() {
			if !w.manual || !w.alive {
				continue
			}
			for s, h := range w.held {
				if h.stage != pending && !yield(s) {
					return
				}
			}
		}
	}
}

// statusSeen: a task in the list of a living worker has a status.
func (b *board) statusSeen(s seq) {
	if t := b.tasks.get(s); t != nil && t.state == held {
		b.urge(question{task: s})
	}
}

// followByHand follows the tasks that people work on: they may write the status
// and nothing else. The end of ctx ends all.
func (l *leader) followByHand(ctx context.Context) {
	now := slices.Collect(l.b.byHand())
	for _, s := range now {
		if l.byHand[s] == nil {
			following, cancel := context.WithCancel(ctx)
			l.byHand[s] = cancel
			f := &follower{s: l.s, facts: l.facts}
			l.wg.Go(func() { f.followStatus(following, s) })
		}
	}
	for s, cancel := range l.byHand {
		if !slices.Contains(now, s) {
			cancel()
			delete(l.byHand, s)
		}
	}
}

// followStatus tells when a task that a person works on gets its status: such
// a worker may write that alone, and leave the assignment to us.
func (f *follower) followStatus(ctx context.Context, s seq) {
	for c := range f.s.FollowChildren(ctx, coordinator.TaskPath(s.TaskID())) {
		if slices.Contains(c.Names, coordinator.StatusName) {
			f.tell(ctx, func(b *board) { b.statusSeen(s) })
		}
	}
}
