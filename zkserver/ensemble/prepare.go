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
// full it tries again, and Propose refuses.
func (n *Node) prepare(ctx context.Context) error {
	retry := time.NewTicker(prepareRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wal.Wanted():
		case <-retry.C:
			if !n.wal.Full() {
				continue
			}
		}
		was := n.wal.Full()
		err := n.wal.Prepare()
		switch {
		case err == nil && was:
			n.cfg.Log.Info().Msg("disk has room again")
		case errors.Is(err, wal.ErrDiskFull) && !was:
			n.cfg.Log.Error().Err(err).Msg("writes refused: disk full")
		case err != nil && !errors.Is(err, wal.ErrDiskFull):
			return err
		}
	}
}
