package ensemble

import (
	"context"
	"errors"
	"time"

	"github.com/mwqueue/mw/zkserver/wal"
)

// prepareRetry is how often a full disk is tried again.
const prepareRetry = time.Second

// A preparer has the next segment ready before it is needed. While the disk is
// full it tries again, and Propose refuses. A snapshot, after which the log
// before it can go, may make the room that is lacking.
type preparer struct {
	was   bool // full
	tries int  // how often it was in a row
}

// prepare prepares segments until ctx ends or the disk fails.
func (n *Node) prepare(ctx context.Context) error {
	retry := time.NewTicker(prepareRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wal.Wanted():
		case <-retry.C:
			if n.formed() {
				n.snaps.remind()
			}
			if !n.preparer.was {
				continue
			}
		}
		if err := n.prepareOne(); err != nil {
			return err
		}
	}
}

// prepareOne tries once. That the disk is full is no error.
func (n *Node) prepareOne() error {
	p := &n.preparer
	err := n.wal.Prepare()
	if p.tries++; !errors.Is(err, wal.ErrDiskFull) {
		p.tries = 0
	} else if n.formed() && (p.tries&(p.tries-1) == 0 || p.tries%60 == 0) { // less and less often, in vain
		n.snaps.want()
	}
	switch {
	case err == nil && p.was:
		n.cfg.Log.Info().Msg("disk has room again")
	case errors.Is(err, wal.ErrDiskFull) && !p.was:
		n.cfg.Log.Error().Err(err).Msg("writes refused: disk full")
	case err != nil && !errors.Is(err, wal.ErrDiskFull):
		return err
	}
	p.was = err != nil
	return nil
}
