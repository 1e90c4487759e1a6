package coordinator

import (
	"context"
	"sync"
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
