package submit

import (
	"context"
	"sync/atomic"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// batchesInFlight is how many multis of one SubmitMany are under way at once.
const batchesInFlight = 8

// SubmitMany puts many tasks in the queue, about a hundred per transaction
// and several transactions at once, each with the promises of [Client.Submit].
// The handles stand in the order of specs. Within a transaction the tasks are
// queued in that order; transactions under way at the same time may pass each
// other.
//
// Give keys to all of specs or to none: a repeat finds a transaction's tasks
// only if it has all of their keys, and is refused with [ErrKeyUsed] if some of
// the keys are in use and some not, or belong to other tasks than these.
//
// When a transaction ends with an error, no more are begun, those under way
// are seen through, and the handles of tasks that were not created, or not
// known to be, are nil.
func (c *Client) SubmitMany(ctx context.Context, specs []coordinator.Spec) ([]*Handle, error) {
	batches, err := newBatches(specs)
	if err != nil {
		return nil, err
	}
	handles := make([]*Handle, len(specs))
	var (
		g      errgroup.Group
		failed atomic.Bool
		at     int
	)
	g.SetLimit(inFlight(batches))
	for _, b := range batches {
		mine := handles[at : at+len(b.ops)]
		at += len(b.ops)
		g.Go(func() error {
			if failed.Load() {
				return nil // Wait returns the error of the one that failed
			}
			ids, err := c.create(ctx, b)
			if err != nil {
				failed.Store(true)
			}
			for i, id := range ids {
				mine[i] = c.submitted(id)
			}
			return err
		})
	}
	return handles, g.Wait()
}

// inFlight is how many of batches may go at once: those with given keys would
// only refuse each other.
func inFlight(batches []*batch) int {
	for _, b := range batches {
		if b.given {
			return 1
		}
	}
	return batchesInFlight
}
