package tcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// send keeps a connection for a stream to a member until ctx ends, and sends
// what is queued. What was queued before a connection was there is dropped: it
// is old, and the ensemble has sent it again or has no use for it any more.
func (t *Transport) send(ctx context.Context, r ensemble.Receiver, m *member, s stream, q *queue) {
	log := t.cfg.Log.With().Int("member", m.Number).Str("addr", m.Address).Logger()
	said := "" // what was logged last
	formed := r.Credentials().Cluster != 0
	if s == streamRaft && !formed {
		<-ctx.Done() // SetMembers begins anew then
		return
	}
	first := s == streamRaft || !formed // of the streams; the others say nothing
	present := false                    // since it was reached it has not been seen to be gone
	for wait := redialMin; ctx.Err() == nil; {
		q.take(nil)
		c, err := t.dial(ctx, r, m.Member, s)
		if err == nil {
			if first {
				log.Info().Msg("member reached")
			}
			if s == streamFrames {
				r.ReceiveReached(m.Number)
			}
			said, wait, present = "", redialMin, true
			began := time.Now()
			err = t.sendOn(ctx, c, q)
			if time.Since(began) > redialMax {
				wait = redialFirst
			}
		} else if present && errors.Is(err, syscall.ECONNREFUSED) {
			present = false
			if first {
				r.ReceiveGone(m.Number)
			}
		}
		if ctx.Err() != nil {
			return
		}
		refused, isRefused := errors.AsType[*refusal](err)
		if isRefused && refused.removed && first {
			r.ReceiveRemoved(m.Number, refused.why)
		}
		if text := err.Error(); first && text != said {
			said = text
			if isRefused {
				log.Error().Err(err).Msg("member refuses this one")
			} else {
				log.Warn().Err(err).Msg("member not reached")
			}
		}
		pause(ctx, wait)
		wait = min(2*wait, redialMax)
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// dial makes a connection and shakes hands. The caller closes it.
func (t *Transport) dial(ctx context.Context, r ensemble.Receiver, to ensemble.Member, s stream) (*conn, error) {
	dialing, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	c, err := t.cfg.Dial(dialing, to)
	if err != nil {
		return nil, err // says that it is of a dial
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	version, err := t.introduce(c, r, to, s)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	t.gate.meet(c.RemoteAddr()) // it comes from there, too, most likely
	return &conn{Conn: c, version: version}, nil
}

// introduce is the dialer's side of the handshake.
func (t *Transport) introduce(c net.Conn, r ensemble.Receiver, to ensemble.Member, s stream) (version uint8, err error) {
	if err := c.SetDeadline(time.Now().Add(handshakeFor)); err != nil {
		return 0, err
	}
	h := hello{low: oldest, high: newest, stream: s, to: to.Number, from: r.Credentials()}
	if _, err := c.Write(h.append(nil)); err != nil {
		return 0, err
	}
	spoken, err := readAnswer(c, magic, 1)
	if err != nil {
		return 0, err
	}
	if spoken[0] < oldest || spoken[0] > newest {
		return 0, errGarbled
	}
	if err := t.cfg.Check(to, c); err != nil {
		return 0, err
	}
	if (&conn{version: spoken[0]}).named() {
		if _, err := c.Write(appendRun(nil, t.run)); err != nil {
			return 0, err
		}
		if _, err := readAnswer(c, "", 0); err != nil {
			return 0, err
		}
	}
	return spoken[0], c.SetDeadline(time.Time{})
}

// sendOn sends what is queued until the connection fails or ctx ends, and
// closes the connection.
func (t *Transport) sendOn(ctx context.Context, c *conn, q *queue) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { c.Close() })()
	var listening sync.WaitGroup
	listening.Go(func() { cancel(c.listen()) })
	defer listening.Wait()
	defer c.Close()
	err := pump(ctx, c, q)
	if why := context.Cause(ctx); why != nil {
		err = why
	}
	return err
}

var errShort = errors.New("tcp: frames for it had no room to wait")

// pump sends what is queued, and signs of life while there is nothing.
func pump(ctx context.Context, c *conn, q *queue) error {
	w := bufio.NewWriterSize(c, 64<<10)
	life := time.NewTicker(lifeEvery)
	defer life.Stop()
	var items []outgoing
	var b []byte
	for silent, short := true, false; ; {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-life.C:
			if silent && c.lively() {
				err = writeRecord(w, nil)
			}
			silent = true
		case <-q.wake:
			silent = false
			items, short = q.take(items)
			b, err = writeAll(w, items, b)
		}
		if err == nil {
			err = w.Flush()
		}
		if err == nil && short {
			err = errShort
		}
		if err != nil {
			return err
		}
	}
}

// writeAll writes what was queued. b is memory to use, and is given back.
func writeAll(w io.Writer, items []outgoing, b []byte) ([]byte, error) {
	for _, o := range items {
		payload := o.frame
		if o.message != nil {
			var err error
			if b, err = (proto.MarshalOptions{}).MarshalAppend(b[:0], o.message); err != nil {
				return b, err
			}
			payload = b
		}
		if err := writeRecord(w, payload); err != nil {
			return b, err
		}
	}
	return b, nil
}
