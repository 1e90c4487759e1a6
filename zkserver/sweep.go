package zkserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/tree"
)

// sweepLoop removes containers and TTL znodes whose time is over, while this member
// leads, until ctx ends. It only proposes: whether a znode may go is decided when the command is applied.
func (s *Server) sweepLoop(ctx context.Context) error {
	for {
		sleep(ctx, s.cfg.SweepInterval)
		if ctx.Err() != nil {
			return nil
		}
		if !s.member.Role().Leading {
			continue
		}
		if err := s.sweep(ctx); err != nil {
			return ended(ctx, fmt.Errorf("sweep: %w", err))
		}
	}
}

// sweep proposes the end of what it finds, no faster than it may, so that a crowd
// of containers does not hold up clients. A full disk ends the round.
func (s *Server) sweep(ctx context.Context) error {
	pause := time.Minute / time.Duration(s.cfg.SweepPerMinute)
	unused := s.cfg.UnusedContainers.Milliseconds()
	for _, path := range s.replica.overdue(time.Now().UnixMilli(), unused) {
		start := time.Now()
		cmd := command{kind: doSweep, sweep: tree.Expire{Path: path, Unused: unused}}
		err := s.writes.Offer(ctx, ensemble.Proposal{Data: cmd.append(nil)})
		switch {
		case errors.Is(err, ensemble.ErrDiskFull):
			return nil
		case err != nil:
			return err
		}
		sleep(ctx, pause-time.Since(start))
	}
	return nil
}

// overdue lists what could go now. It holds the lock for a part of the tree at a
// time.
func (r *replica) overdue(now, unused int64) (paths []string) {
	for part := range tree.Parts {
		r.mu.RLock()
		paths = append(paths, r.tree.Overdue(part, now, unused)...)
		r.mu.RUnlock()
	}
	return paths
}
