package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A link is one connection of a client, from its handshake to its end.
type link struct {
	c       *Client
	nc      net.Conn
	br      *bufio.Reader // read by shakeHands, then by readLoop
	timeout time.Duration // the session's; set before run

	wake chan struct{} // from queue to writeLoop, holds one; never closed

	mu      sync.Mutex // protects the fields below
	closed  bool       // no more calls are taken
	out     []byte     // frames not yet written
	pending ring       // calls not yet answered, oldest first
	auths   []*Call    // auths not yet answered, nil for those of attach: their replies may overtake others
}

func newLink(c *Client, nc net.Conn) *link {
	l := &link{c: c, nc: nc, wake: make(chan struct{}, 1), pending: newRing(c.cfg.MaxInFlight)}
	l.br = bufio.NewReaderSize(deadlineReader{l}, 64<<10)
	return l
}

// A deadlineReader gives up on a server that is silent for two thirds of the
// session timeout: there is then time to find another one.
type deadlineReader struct{ l *link }

func (r deadlineReader) Read(b []byte) (int, error) {
	if r.l.timeout > 0 { // else in the handshake, which has a deadline of its own
		r.l.nc.SetReadDeadline(time.Now().Add(r.l.timeout * 2 / 3))
	}
	return r.l.nc.Read(b)
}

// shakeHands asks for a new session, or for the one the client has.
func (l *link) shakeHands() (wire.ConnectResponse, error) {
	s := l.c.Session()
	q := wire.ConnectRequest{
		LastZxidSeen:  l.c.zxid.Load(),
		TimeoutMillis: int32(min(l.c.cfg.SessionTimeout.Milliseconds(), 1<<31-1)),
		SessionID:     s.ID,
		Password:      s.Password,
		HasReadOnly:   true,
		ReadOnly:      l.c.cfg.ReadOnly,
	}
	if q.Password == nil {
		q.Password = make([]byte, 16)
	}
	b, start := wire.BeginFrame(nil)
	if _, err := l.nc.Write(wire.EndFrame(q.Append(b), start)); err != nil {
		return wire.ConnectResponse{}, err
	}
	frame, err := wire.ReadFrame(l.br, nil, l.c.cfg.MaxReply)
	if err != nil {
		return wire.ConnectResponse{}, fmt.Errorf("server ended the handshake: %w", err)
	}
	var answer wire.ConnectResponse
	if err := wire.Decode(frame, &answer); err != nil {
		return answer, fmt.Errorf("decode handshake: %w", err)
	}
	switch refused := answer.SessionID == 0 || answer.TimeoutMillis <= 0; {
	case refused && s.ID != 0:
		return answer, ErrSessionExpired
	case refused:
		return answer, errors.New("server refused a new session")
	}
	return answer, nil
}

// run reads and writes until ctx ends or the connection does.
func (l *link) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(l.writeLoop(ctx)) })
	wg.Go(func() { cancel(l.readLoop()) })
	<-ctx.Done()
	l.nc.Close()
	wg.Wait()
	return context.Cause(ctx)
}

// queue takes a call, unless the link has ended.
func (l *link) queue(call *Call) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	if call.Op == wire.OpAuth {
		call.xid = wire.XidAuth
		l.auths = append(l.auths, call)
	} else {
		call.xid = l.c.nextXid()
		call.watch = watchOf(call)
		l.pending.push(call)
	}
	l.append(call.xid, call.Op, call.Request)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // the write loop has yet to come and will find this one too
	}
	return true
}

// append adds a frame to out. The caller holds mu, or is alone with the link.
func (l *link) append(xid int32, op wire.Op, body wire.Record) {
	b, start := wire.BeginFrame(l.out)
	b = wire.AppendInt32(b, xid)
	b = wire.AppendInt32(b, int32(op))
	if body != nil {
		b = body.Append(b)
	}
	l.out = wire.EndFrame(b, start)
}

// keptBuffer is how large a buffer may be to be used again.
const keptBuffer = 1 << 20

// writeLoop writes what has gathered in out, and a ping when nothing was written
// between two ticks of a sixth of the session timeout. It ends with ctx.
func (l *link) writeLoop(ctx context.Context) error {
	tick := time.NewTicker(max(l.timeout/6, time.Millisecond))
	defer tick.Stop()
	var spare []byte
	wrote, due := false, false // since the last tick; a ping is due
	for {
		l.mu.Lock()
		if due && len(l.out) == 0 {
			l.append(wire.XidPing, wire.OpPing, nil)
		}
		out := l.out
		l.out = spare[:0]
		l.mu.Unlock()
		if len(out) > 0 {
			l.nc.SetWriteDeadline(time.Now().Add(l.timeout * 2 / 3))
			if _, err := l.nc.Write(out); err != nil {
				return err
			}
			wrote = true
		}
		if spare = out[:0]; cap(spare) > keptBuffer {
			spare = nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.wake:
			due = false
		case <-tick.C:
			due, wrote = !wrote, false
		}
	}
}

// readLoop hands out replies and events until the connection ends.
func (l *link) readLoop() error {
	var buf []byte
	for {
		frame, err := wire.ReadFrame(l.br, buf, l.c.cfg.MaxReply)
		if err != nil {
			return err
		}
		if err := l.receive(frame); err != nil {
			return err
		}
		if buf = frame; cap(buf) > keptBuffer {
			buf = nil
		}
	}
}

// receive handles one frame from the server.
func (l *link) receive(frame []byte) error {
	d := wire.NewDecoder(frame)
	var h wire.ReplyHeader
	h.Decode(&d)
	if d.Err() != nil {
		return fmt.Errorf("decode reply header: %w", d.Err())
	}
	l.c.showed(h.Zxid)
	switch h.Xid {
	case wire.XidPing, wire.XidSetWatches:
		return nil
	case wire.XidWatch:
		var e wire.WatcherEvent
		if err := wire.Decode(d.Rest(), &e); err != nil {
			return fmt.Errorf("decode event: %w", err)
		}
		l.c.fired(e)
		return nil
	case wire.XidAuth:
		return l.authorized(h)
	}
	l.mu.Lock()
	call := l.pending.pop()
	l.mu.Unlock()
	switch {
	case call == nil:
		return fmt.Errorf("reply %d to nothing", h.Xid)
	case call.xid != h.Xid:
		l.c.fail(call, ErrConnectionLost)
		return fmt.Errorf("reply %d, want %d", h.Xid, call.xid)
	}
	l.c.deliver(call, h, d.Rest())
	return nil
}

// authorized handles the reply to an auth: one that is waited for, or one that
// this connection was given at its start.
func (l *link) authorized(h wire.ReplyHeader) error {
	var call *Call
	l.mu.Lock()
	if len(l.auths) > 0 {
		call, l.auths = l.auths[0], l.auths[1:]
	}
	l.mu.Unlock()
	if call != nil {
		l.c.authorized(call, h.Err)
		l.c.deliver(call, h, nil)
	}
	if h.Err != wire.OK {
		return ErrAuthFailed
	}
	return nil
}

// failAll answers every call in flight with err, oldest first, and takes no more.
func (l *link) failAll(err error) {
	l.mu.Lock()
	l.closed = true
	var calls []*Call
	for call := l.pending.pop(); call != nil; call = l.pending.pop() {
		calls = append(calls, call)
	}
	for _, call := range l.auths {
		if call != nil {
			calls = append(calls, call)
		}
	}
	l.auths, l.out = nil, nil
	l.mu.Unlock()
	for _, call := range calls {
		l.c.fail(call, err)
	}
}
