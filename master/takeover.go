package master

import (
	"context"
	"errors"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// takeOver tells the board how things are since the term began, whatever the
// follower has seen so far.
//
// The assignments are listed before the workers: a worker that is not listed
// although it has assignments is dead, for it was registered when it got them.
func (l *leader) takeOver() error {
	ctx := l.term.Context()
	if err := l.s.Sync(ctx, coordinator.AssignPath); err != nil {
		return err
	}
	_, stat, err := l.s.Get(ctx, coordinator.AssignPath)
	if err != nil {
		return err
	}
	service := stat.Mtime // it was written when the term began, just now
	parents, stat, err := l.s.Children(ctx, coordinator.AssignPath)
	if err != nil {
		return err
	}
	lists := make([]fact, len(parents))
	var group errgroup.Group
	group.SetLimit(maxAsking)
	for i, name := range parents {
		group.Go(func() (err error) { lists[i], err = l.list(ctx, name); return err })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	workers, wstat, err := l.s.Children(ctx, coordinator.WorkersPath)
	if err != nil {
		return err
	}
	l.b.tick(time.Now())
	l.b.rooted(coordinator.AssignPath, stat.Czxid)
	l.b.rooted(coordinator.WorkersPath, wstat.Czxid)
	l.b.parentsListed(parents, stat.Pzxid)
	for _, is := range lists {
		is(l.b)
	}
	l.b.workersListed(workers, wstat.Pzxid)
	l.b.takeNews()
	l.b.begin(service)
	return nil
}

// list reads what one worker is assigned.
func (l *leader) list(ctx context.Context, name string) (fact, error) {
	names, stat, err := l.s.Children(ctx, coordinator.AssignmentsPath(name))
	if errors.Is(err, coordinator.ErrNoNode) {
		return func(*board) {}, nil // removed since; the follower will tell
	}
	return func(b *board) { b.assignedListed(name, names, stat.Pzxid) }, err
}
