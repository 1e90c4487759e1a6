package ensemble

import (
	"context"
	"errors"
	"time"

	"github.com/mwqueue/mw/zkserver/wal"
)

// prepareRetry is how often a full disk is tried again.
const prepareRetry = time.Second

// prepare has the next segment ready before it is needed. While the disk is
// full it tries again, and Propose refuses. A snapshot, after which the log
// before it can go, may make the room that is lacking.
func (n *Node) prepare(ctx context.Context) error {
	retry := time.NewTicker(prepareRetry)
	defer retry.Stop()
	was, tries := false, 0 // full; how often it was in a row
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wal.Wanted():
		case <-retry.C:
			if n.formed() {
				n.snaps.remind()
			}
			if !was {
				continue
			}
		}
		err := n.wal.Prepare()
		if tries++; !errors.Is(err, wal.ErrDiskFull) {
			tries = 0
		} else if tries&(tries-1) == 0 || tries%60 == 0 { // less and less often, in vain
			n.snaps.want()
		}
		switch {
		case err == nil && was:
			n.cfg.Log.Info().Msg("disk has room again")
		case errors.Is(err, wal.ErrDiskFull) && !was:
			n.cfg.Log.Error().Err(err).Msg("writes refused: disk full")
		case err != nil && !errors.Is(err, wal.ErrDiskFull):
			return err
		}
		was = err != nil
	}
}
