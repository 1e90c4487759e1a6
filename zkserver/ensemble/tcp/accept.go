package tcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

const (
	lingerFor = 500 * time.Millisecond

	// greetingBytes bounds what those say who belong to no ensemble, or of whom
	// that is not known.
	greetingBytes = 1 << 20
)

// judgeAgain closes connections of those who would be refused now, whenever the
// members have changed.
func (t *Transport) judgeAgain(ctx context.Context, r ensemble.Receiver) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.review:
		}
		for _, c := range t.streams.list() {
			err := r.Judge(c.who)
			if err != nil {
				t.cfg.Log.Info().Int("member", c.who.Number).Err(err).Msg("connection closed")
				c.Close()
			}
		}
	}
}

// accept takes connections until ctx ends or the listener fails.
func (t *Transport) accept(ctx context.Context, r ensemble.Receiver) error {
	defer context.AfterFunc(ctx, func() { t.cfg.Listener.Close() })()
	var g errgroup.Group
	defer g.Wait()
	for {
		c, err := t.cfg.Listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("tcp: accept: %w", err)
			}
			t.cfg.Log.Warn().Err(err).Msg("connection of a member not accepted")
			pause(ctx, redialMax) // descriptors may have run out
			continue
		}
		g.Go(func() error {
			t.serve(ctx, c, r)
			return nil
		})
	}
}

// serve takes what comes on a connection until it ends.
func (t *Transport) serve(ctx context.Context, nc net.Conn, r ensemble.Receiver) {
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	knock := t.gate.enter(nc)
	h, run, leave, err := t.shakeHands(nc, r, knock)
	if t.gate.leave(knock) {
		err = errCrowded
	}
	if leave != nil {
		defer leave()
	}
	c := h.accept(nc)
	if err == nil {
		in := &accepting{conn: c, stream: h.stream, run: run, who: h.from, done: make(chan struct{})}
		defer close(in.done)
		err = t.enter(ctx, in)
		defer t.streams.leave(in)
	}
	if err != nil {
		if ctx.Err() == nil && t.refusals.fresh(nc.RemoteAddr(), err, time.Now()) {
			t.cfg.Log.Warn().Stringer("addr", nc.RemoteAddr()).Err(err).Msg("connection refused")
		}
		return
	}
	if h.stream == streamSnapshot {
		t.takeSnapshot(ctx, c, r, h.from)
		return
	}
	if err := t.listen(c, r, h); ctx.Err() == nil && !ended(err) {
		t.cfg.Log.Debug().Int("member", h.from.Number).Err(err).Msg("connection of a member ended")
	}
}

// listen takes the records of a stream.
func (t *Transport) listen(c *conn, r ensemble.Receiver, h hello) error {
	if c.lively() {
		done := make(chan struct{})
		var life sync.WaitGroup
		life.Go(func() { c.live(done) })
		defer life.Wait()
		defer c.Close()
		defer close(done)
	}
	in := bufio.NewReaderSize(c, 64<<10)
	may := func(size int64) bool {
		return size <= greetingBytes || size <= maxRecord && !c.greets && r.Credentials().Cluster != 0
	}
	for {
		b, err := readRecord(in, may)
		if err == nil && len(b) > 0 { // else it is a sign of life
			err = deliver(r, h, b)
		}
		if err != nil {
			return err
		}
	}
}

// shakeHands is the acceptor's side of the handshake. leave, unless it is nil, is
// called when the connection has ended.
func (t *Transport) shakeHands(c net.Conn, r ensemble.Receiver, k *knock) (h hello, run uint64, leave func(), err error) {
	if err := c.SetDeadline(time.Now().Add(handshakeFor)); err != nil {
		return hello{}, 0, nil, err
	}
	if h, err = readHello(c); err != nil && !errors.Is(err, errVersion) {
		return hello{}, 0, nil, fmt.Errorf("handshake: %w", err)
	}
	refused := t.judge(c, h)
	if refused == nil {
		leave, refused = t.admit(c, r, h.from)
	}
	if refused == nil {
		t.gate.leave(k) // so that nobody who has been let in has to go
	}
	version, ok := h.agree()
	if !ok {
		version = newest
	}
	err = writeAnswer(c, magic, []byte{version}, refused)
	if refused != nil {
		linger(c)
		return hello{}, 0, nil, refused
	}
	if err == nil && version >= 4 {
		run, err = readRun(c)
	}
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		return hello{}, 0, leave, fmt.Errorf("handshake: %w", err)
	}
	return h, run, leave, nil
}

// admit asks the ensemble, and looks how many strangers are here.
func (t *Transport) admit(c net.Conn, r ensemble.Receiver, from ensemble.Credentials) (leave func(), err error) {
	gone := func() {}
	if from.Cluster == 0 || r.Credentials().Cluster == 0 {
		if gone, err = t.gate.receive(c.RemoteAddr()); err != nil {
			return nil, fmt.Errorf("member %d: %w", from.Number, err)
		}
	}
	left, err := r.Admit(from)
	if err != nil {
		gone()
		return nil, err
	}
	if from.Cluster != 0 && from.Cluster == r.Credentials().Cluster {
		t.gate.meet(c.RemoteAddr())
	}
	return func() { left(); gone() }, nil
}

// linger reads what one who is refused has sent besides, since a close with that
// unread would take the answer away again.
func linger(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() != nil {
		return
	}
	if c.SetReadDeadline(time.Now().Add(lingerFor)) == nil {
		_, _ = io.CopyN(io.Discard, c, 4<<10) // whatever it is
	}
}

// judge says why who dialed is not listened to.
func (t *Transport) judge(c net.Conn, h hello) error {
	_, speaks := h.agree()
	switch {
	case !speaks:
		return fmt.Errorf("it speaks versions %d to %d, member %d speaks versions %d to %d: their versions of mw are too far apart", h.low, h.high, t.cfg.Number, oldest, newest)
	case h.to != t.cfg.Number:
		return fmt.Errorf("member %d looks for member %d here, but this is member %d", h.from.Number, h.to, t.cfg.Number)
	case h.stream < streamRaft || h.stream > streamSnapshot:
		return fmt.Errorf("member %d asks for a stream of kind %d", h.from.Number, h.stream)
	case h.from.Cluster == 0 && h.stream != streamFrames:
		return fmt.Errorf("member %d belongs to no ensemble yet and may say hello only", h.from.Number)
	}
	other := ensemble.Member{Number: h.from.Number, Address: h.from.Address}
	if known := t.member(other.Number); known != nil {
		other = known.Member
	}
	if err := t.cfg.Check(other, c); err != nil {
		return fmt.Errorf("member %d: %w", h.from.Number, err)
	}
	return nil
}

// deliver gives a record to the ensemble.
func deliver(r ensemble.Receiver, h hello, b []byte) error {
	if h.stream == streamFrames {
		r.ReceiveFrame(h.from, b)
		return nil
	}
	m := &pb.Message{}
	if err := proto.Unmarshal(b, m); err != nil {
		return fmt.Errorf("%w: %w", errGarbled, err)
	}
	r.ReceiveRaft(h.from, m)
	return nil
}
