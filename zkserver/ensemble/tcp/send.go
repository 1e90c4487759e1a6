package tcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
func (t *Transport) dial(ctx context.Context, r ensemble.Receiver, to ensemble.Member, s stream) (net.Conn, error) {
	c, err := t.cfg.Dial(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := t.introduce(c, r, to, s); err != nil {
		c.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return c, nil
}

// introduce is the dialer's side of the handshake.
func (t *Transport) introduce(c net.Conn, r ensemble.Receiver, to ensemble.Member, s stream) error {
	if err := c.SetDeadline(time.Now().Add(handshakeFor)); err != nil {
		return err
	}
	h := hello{low: version, high: version, stream: s, to: to.Number, from: r.Credentials()}
	if _, err := c.Write(h.append(nil)); err != nil {
		return err
	}
	spoken, err := readAnswer(c, magic, 1)
	if err != nil {
		return err
	}
	if spoken[0] != version {
		return errGarbled
	}
	if err := t.cfg.Check(to, c); err != nil {
		return err
	}
	return c.SetDeadline(time.Time{})
}

// sendOn sends what is queued until the connection fails or ctx ends, and
// closes the connection.
func (t *Transport) sendOn(ctx context.Context, c net.Conn, q *queue) error {
	defer c.Close()
	// The other side says nothing: what can be read is the end.
	ended := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		if err == nil {
			err = errGarbled
		}
		c.Close()
		ended <- err
	}()
	err := t.pump(ctx, c, q, ended)
	c.Close()
	if err == nil {
		err = <-ended
	}
	return err
}

// pump returns nil if ended has, or will have, the reason.
func (t *Transport) pump(ctx context.Context, c net.Conn, q *queue, ended <-chan error) error {
	w := bufio.NewWriterSize(c, 64<<10)
	var items []outgoing
	var b []byte
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-ended:
			return err
		case <-q.wake:
		}
		items = q.take(items)
		if err := c.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
			return err
		}
		for _, o := range items {
			payload := o.frame
			if o.message != nil {
				var err error
				if b, err = (proto.MarshalOptions{}).MarshalAppend(b[:0], o.message); err != nil {
					return err
				}
				payload = b
			}
			if err := writeRecord(w, payload); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// chunkBytes is how much of a snapshot is in a record.
const chunkBytes = 256 << 10

// SendSnapshot implements ensemble.Transport.
func (t *Transport) SendSnapshot(ctx context.Context, to int, r io.Reader) error {
	select {
	case <-t.running:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m := t.member(to)
	if m == nil {
		return fmt.Errorf("tcp: no member %d", to)
	}
	c, err := t.dial(ctx, t.self, m.Member, streamSnapshot)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := t.sendChunks(ctx, c, r); err != nil {
		return err
	}
	// The other member writes, syncs and names its file.
	if err := c.SetReadDeadline(time.Now().Add(snapshotTakenFor)); err != nil {
		return err
	}
	_, err = readAnswer(c, "", 0)
	return err
}

func (t *Transport) sendChunks(ctx context.Context, c net.Conn, r io.Reader) error {
	w := bufio.NewWriterSize(c, 64<<10)
	b := make([]byte, chunkBytes)
	for begin, sent := time.Now(), 0; ; {
		n, err := io.ReadFull(r, b)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if err := c.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
			return err
		}
		if n > 0 {
			if err := writeRecord(w, b[:n]); err != nil {
				return err
			}
		}
		if err != nil { // the end
			if err := writeRecord(w, nil); err != nil {
				return err
			}
			return w.Flush()
		}
		sent += n
		due := time.Duration(float64(sent) / float64(t.cfg.SnapshotRate) * float64(time.Second))
		if early := due - time.Since(begin); early > 0 {
			pause(ctx, early)
		}
	}
}
