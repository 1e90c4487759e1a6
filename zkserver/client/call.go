package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A Call is one request and its reply. Between [Client.Send] and Done it belongs
// to the client; after that its owner may send it again.
type Call struct {
	Op      wire.Op
	Request wire.Record // encoded by Send; nil is an empty body

	// Reply is filled when the code is OK; nil ignores the body. Byte slices in
	// it are good until Done returns.
	Reply wire.Record

	// Done is called once, by the goroutine that reads the connection. It must
	// not block, but may call [Client.TrySend].
	Done func(*Call)

	Header wire.ReplyHeader // of the reply; Header.Err is the server's answer
	Err    error            // there was no reply: [ErrConnectionLost] or what ended the client; or it does not decode

	xid int32

	// watch is what this request asks to be told of, taken from Request by Send,
	// because the server's answer decides what becomes of it.
	watch watchAsked

	// abandoned is set by a Do that no longer waits, taken by the reader that
	// delivers: whoever comes first decides.
	state atomic.Int32
	own   bool // Reply keeps its bytes after Done
}

const (
	callWaiting int32 = iota
	callDelivering
	callAbandoned
)

// Send queues call and returns before it is answered. It waits while there is no
// connection or too many calls are in flight, until ctx ends; an error means that
// Done will not be called.
func (c *Client) Send(ctx context.Context, call *Call) error {
	select {
	case c.slots <- struct{}{}:
	default:
		select {
		case c.slots <- struct{}{}:
		case <-c.ended:
			return c.endErr
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrNotConnected, context.Cause(ctx))
		}
	}
	for {
		changed := c.changes()
		if l := c.link.Load(); l != nil && l.queue(call) {
			return nil
		}
		select {
		case <-changed:
		case <-c.ended:
			<-c.slots
			return c.endErr
		case <-ctx.Done():
			<-c.slots
			return c.notConnected(ctx)
		}
	}
}

// TrySend is Send that never waits: it reports false when the call could not be
// queued at once. It may be used in Done.
func (c *Client) TrySend(call *Call) bool {
	select {
	case c.slots <- struct{}{}:
	default:
		return false
	}
	if l := c.link.Load(); l != nil && l.queue(call) {
		return true
	}
	<-c.slots
	return false
}

// Do sends a request and waits for its reply, which it decodes into reply unless
// that is nil. A code other than OK is an *[Error]. When ctx ends first the error is
// [ErrNotConnected], nothing was sent, or [ErrNotFinished]; reply is then not
// touched any more.
func (c *Client) Do(ctx context.Context, op wire.Op, request, reply wire.Record) (wire.ReplyHeader, error) {
	done := make(chan struct{})
	call := &Call{Op: op, Request: request, Reply: reply, Done: func(*Call) { close(done) }, own: true}
	if err := c.Send(ctx, call); err != nil {
		return wire.ReplyHeader{}, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		if call.state.CompareAndSwap(callWaiting, callAbandoned) {
			return wire.ReplyHeader{}, fmt.Errorf("%w: %w", ErrNotFinished, context.Cause(ctx))
		}
		<-done
	}
	switch {
	case call.Err != nil:
		return call.Header, call.Err
	case call.Header.Err != wire.OK:
		return call.Header, &Error{Op: op, Code: call.Header.Err}
	}
	return call.Header, nil
}

// deliver finishes a call with its reply. It is called by the read loop.
func (c *Client) deliver(call *Call, h wire.ReplyHeader, body []byte) {
	c.noteWatch(call, h.Err)
	if !call.state.CompareAndSwap(callWaiting, callDelivering) {
		<-c.slots
		return
	}
	call.Header, call.Err = h, nil
	if h.Err == wire.OK && call.Reply != nil {
		if call.own {
			body = bytes.Clone(body)
		}
		if err := wire.Decode(body, call.Reply); err != nil {
			call.Err = fmt.Errorf("client: decode reply to %v: %w", call.Op, err)
		}
	}
	c.finish(call)
}

// fail finishes a call that gets no reply.
func (c *Client) fail(call *Call, err error) {
	if !call.state.CompareAndSwap(callWaiting, callDelivering) {
		<-c.slots
		return
	}
	call.Header, call.Err = wire.ReplyHeader{}, err
	c.finish(call)
}

// finish frees the call's slot first, so that Done can send again at once.
func (c *Client) finish(call *Call) {
	<-c.slots
	call.state.Store(callWaiting)
	call.Done(call)
}

// notConnected is the error of a call that found no connection.
func (c *Client) notConnected(ctx context.Context) error {
	c.mu.Lock()
	why := c.lastErr
	c.mu.Unlock()
	if why == nil {
		why = context.Cause(ctx)
	}
	return fmt.Errorf("%w: %w", ErrNotConnected, why)
}

// withPath adds the path to an *Error.
func withPath(err error, path string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Path = path
	}
	return err
}
