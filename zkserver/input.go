package zkserver

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Requests that are being received or on their way to the log are in no queue
// yet, and a thousand connections may each be sending a large one. So the bytes
// of all large ones are counted together from before there is memory for them,
// and the next waits for its turn.

// smallFrame is the largest request that is not counted. Clients that send
// nothing larger wait for nobody.
const smallFrame = 16 << 10

// errSlowSender ends a connection that takes long over a large request while
// others wait to send theirs.
var errSlowSender = errors.New("zkserver: client does not finish its request")

// input is the room for large requests.
type input struct {
	room    *semaphore.Weighted
	waiting atomic.Int32 // connections that wait for room
}

func newInput(bytes int64) input { return input{room: semaphore.NewWeighted(bytes)} }

// enterFrame waits for the first bytes of the next request, and for room for the
// whole if it is a large one. It gives how much room it took, which is to be given
// back when the request has been dispatched. Of what is wrong with the connection
// or the length only the end of a wait is an error: ReadFrame finds the rest.
func (c *conn) enterFrame(ctx context.Context) (taken int64, err error) {
	head, err := c.br.Peek(4)
	if err != nil {
		return 0, nil
	}
	size := int64(int32(binary.BigEndian.Uint32(head)))
	if size <= smallFrame || size > int64(c.srv.cfg.MaxFrame) {
		return 0, nil
	}
	in := &c.srv.input
	if !in.room.TryAcquire(size) {
		if err := c.waitInput(ctx, size); err != nil {
			return 0, err
		}
	}
	c.receiving.Store(max(1, int64(c.srv.clock())))
	return size, nil
}

// waitInput waits its turn. The client's silence meanwhile is not its fault.
func (c *conn) waitInput(ctx context.Context, size int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with this call
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	in := &c.srv.input
	in.waiting.Add(1)
	defer in.waiting.Add(-1)
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	if err := in.room.Acquire(ctx, size); err != nil {
		return errServerStops
	}
	return nil
}

// relieveInput cuts off clients who hold up others by not finishing a request.
func (s *Server) relieveInput() {
	if s.input.waiting.Load() == 0 {
		return
	}
	now := int64(s.clock())
	for _, c := range s.replica.connections() {
		if since := c.receiving.Load(); since != 0 && now-since > int64(stuckTime) {
			c.log.Warn().Msg("client does not finish its request, connection closed")
			c.close(errSlowSender)
		}
	}
}
