package tcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

const (
	// maxHandshakes is how many connections may be shaking hands.
	maxHandshakes = 64

	chunkFor         = 30 * time.Second // for a record of a snapshot to come
	snapshotTakenFor = 2 * time.Minute
)

// An incoming is a stream of another member. Of two with one number neither takes
// the place of the other.
type incoming struct {
	from      int
	directory uint64
	stream    stream
}

// An accepting is the connection of a stream, and who made it.
type accepting struct {
	net.Conn
	who ensemble.Credentials
}

// accepted are the connections of other members, one for each of their streams.
type accepted struct {
	mu    sync.Mutex // protects conns
	conns map[incoming]accepting
}

// enter makes c the connection of a stream, in place of an earlier one, which
// is closed.
func (a *accepted) enter(in incoming, c accepting) {
	a.mu.Lock()
	old := a.conns[in]
	a.conns[in] = c
	a.mu.Unlock()
	if old.Conn != nil {
		old.Close()
	}
}

func (a *accepted) leave(in incoming, c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns[in].Conn == c {
		delete(a.conns, in)
	}
}

func (a *accepted) list() []accepting {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Values(a.conns))
}

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
	slots := make(chan struct{}, maxHandshakes)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		c, err := t.cfg.Listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			<-slots
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("tcp: accept: %w", err)
			}
			t.cfg.Log.Warn().Err(err).Msg("connection of a member not accepted")
			pause(ctx, redialMax) // descriptors may have run out
			continue
		}
		g.Go(func() error {
			t.serve(ctx, c, r, sync.OnceFunc(func() { <-slots }))
			return nil
		})
	}
}

// serve takes what comes on a connection until it ends. shaken is called when
// the handshake is done.
func (t *Transport) serve(ctx context.Context, c net.Conn, r ensemble.Receiver, shaken func()) {
	defer shaken()
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	in := bufio.NewReaderSize(c, 64<<10)
	h, leave, err := t.shakeHands(c, in, r)
	if err != nil {
		if ctx.Err() == nil && t.refusals.fresh(c.RemoteAddr(), err, time.Now()) {
			t.cfg.Log.Warn().Stringer("addr", c.RemoteAddr()).Err(err).Msg("connection refused")
		}
		return
	}
	defer leave()
	shaken()
	from := incoming{h.from.Number, h.from.Directory, h.stream}
	t.streams.enter(from, accepting{c, h.from})
	defer t.streams.leave(from, c)
	if h.stream == streamSnapshot {
		t.takeSnapshot(ctx, c, in, r, h.from)
		return
	}
	for {
		b, err := readRecord(in)
		if err == nil {
			err = deliver(r, h, b)
		}
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				t.cfg.Log.Debug().Int("member", h.from.Number).Err(err).Msg("connection of a member ended")
			}
			return
		}
	}
}

// shakeHands is the acceptor's side of the handshake. leave is called when the
// connection has ended.
func (t *Transport) shakeHands(c net.Conn, in io.Reader, r ensemble.Receiver) (h hello, leave func(), err error) {
	if err := c.SetDeadline(time.Now().Add(handshakeFor)); err != nil {
		return hello{}, nil, err
	}
	if h, err = readHello(in); err != nil && !errors.Is(err, errVersion) {
		return hello{}, nil, fmt.Errorf("handshake: %w", err)
	}
	refused := t.judge(c, h)
	if refused == nil {
		leave, refused = r.Admit(h.from)
	}
	if err = writeAnswer(c, magic, []byte{version}, refused); err == nil {
		err = c.SetDeadline(time.Time{})
	}
	switch {
	case refused != nil:
		return hello{}, nil, refused
	case err != nil:
		leave()
		return hello{}, nil, fmt.Errorf("handshake: %w", err)
	}
	return h, leave, nil
}

// judge says why who dialed is not listened to.
func (t *Transport) judge(c net.Conn, h hello) error {
	switch {
	case h.low > version || h.high < version:
		return fmt.Errorf("it speaks versions %d to %d, member %d speaks version %d: all members need the same version of mw", h.low, h.high, t.cfg.Number, version)
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

// takeSnapshot takes one snapshot and answers.
func (t *Transport) takeSnapshot(ctx context.Context, c net.Conn, in io.Reader, r ensemble.Receiver, from ensemble.Credentials) {
	err := r.ReceiveSnapshot(from, &chunks{conn: c, in: in})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		t.cfg.Log.Warn().Int("member", from.Number).Err(err).Msg("snapshot not taken")
	}
	if c.SetWriteDeadline(time.Now().Add(writeFor)) == nil {
		_ = writeAnswer(c, "", nil, err) // the sender learns of it in any case
	}
}

// chunks reads the records of a snapshot. io.EOF is the end that the sender
// meant.
type chunks struct {
	conn net.Conn
	in   io.Reader
	left []byte
	err  error
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 && c.err == nil {
		if c.err = c.conn.SetReadDeadline(time.Now().Add(chunkFor)); c.err == nil {
			c.left, c.err = readRecord(c.in)
			c.err = noEOF(c.err)
		}
		if c.err == nil && len(c.left) == 0 {
			c.err = io.EOF
		}
	}
	if len(c.left) == 0 {
		return 0, c.err
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}
