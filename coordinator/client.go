package coordinator

import "context"

// Client gives the live session, or a new one, to callers that own no
// ephemerals.
type Client struct{}

func NewClient(cfg Config) *Client { panic("todo") }

// Session returns the live session, or connects anew.
func (c *Client) Session(ctx context.Context) (*Session, error) { panic("todo") }
func (c *Client) Close() error                                  { panic("todo") }

// Keep connects, runs body, and starts over when the session was lost.
func Keep(ctx context.Context, cfg Config, body func(ctx context.Context, s *Session) error) error {
	panic("todo")
}
