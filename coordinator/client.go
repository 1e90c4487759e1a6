package coordinator

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Client gives a live session to callers that own no ephemeral znodes and do
// not mind when one session is replaced by the next.
type Client struct {
	cfg  Config
	turn chan struct{} // held by the one caller that connects

	mu     sync.Mutex // protects the fields below
	s      *Session   // the last one, live or not
	closed bool
}

// NewClient returns a client. It connects when the first session is asked for.
func NewClient(cfg Config) *Client {
	return &Client{cfg: cfg, turn: make(chan struct{}, 1)}
}

// Session returns the live session, or connects anew. The session belongs to
// the client: do not close it.
func (c *Client) Session(ctx context.Context) (*Session, error) {
	if s, err := c.live(); s != nil || err != nil {
		return s, err
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if s, err := c.live(); s != nil || err != nil {
		return s, err
	}
	s, err := Connect(ctx, c.cfg)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.s = s
	closed := c.closed
	c.mu.Unlock()
	if closed {
		_ = s.Close()
		return nil, ErrClosed
	}
	return s, nil
}

// live returns the session if it is live.
func (c *Client) live() (*Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, ErrClosed
	case c.s != nil && c.s.ctx.Err() == nil:
		return c.s, nil
	}
	return nil, nil
}

// Close closes the session. Calls of Session then give ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	s := c.s
	c.closed = true
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.Close()
}

// Keep holds a session for body, which may own ephemeral znodes: it connects
// and runs body, and starts over with a new session when the old one was lost,
// after a pause that grows while sessions are short. body's context ends with
// the session or with ctx; body must then return.
//
// Keep returns what body returned otherwise: when its session was still live or
// ctx has ended. It returns ErrNoServer if ctx ends, or ConnectTimeout passes
// before the first session, while there is no server.
func Keep(ctx context.Context, cfg Config, body func(ctx context.Context, s *Session) error) error {
	var pause Backoff
	for {
		s, err := Connect(ctx, cfg)
		if err != nil {
			return err
		}
		cfg.ConnectTimeout = 0
		began := time.Now()
		err = keep(ctx, s, body)
		lost := errors.Is(context.Cause(s.Context()), ErrSessionLost)
		_ = s.Close()
		if ctx.Err() != nil || !lost {
			return err
		}
		if time.Since(began) > 2*s.Timeout() {
			pause = Backoff{}
		}
		if pause.Wait(ctx) != nil {
			return err
		}
	}
}

// keep runs body for as long as both ctx and the session live.
func keep(ctx context.Context, s *Session, body func(context.Context, *Session) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.Context(), func() { cancel(context.Cause(s.Context())) })
	defer stop()
	return body(ctx, s)
}
