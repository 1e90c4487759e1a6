package submit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// Config says how to reach the service. The zero value of a field means its default.
type Config struct {
	// Coordinator names the service. Its Servers are required.
	Coordinator coordinator.Config

	// MaxWatches bounds the watches this client's handles hold at once; the
	// others wait in turn. Default: 2,000, which together with their paths
	// stay below what one reconnect can carry.
	MaxWatches int

	// HTTP fetches output from workers. Default: a client of its own that
	// gives up when a worker does not answer within 5 s.
	HTTP *http.Client

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Coordinator.Servers) == 0 {
		return c, errors.New("submit: Config.Coordinator.Servers is empty")
	}
	if c.MaxWatches < 0 {
		return c, fmt.Errorf("submit: Config.MaxWatches is %d, must not be negative", c.MaxWatches)
	}
	c.MaxWatches = cmp.Or(c.MaxWatches, 2000)
	if c.HTTP == nil {
		c.HTTP = newHTTPClient()
	}
	return c, nil
}

// A Client submits and follows tasks. It owns nothing in the tree, so losing
// a session costs it nothing: each call goes on with the next one.
type Client struct {
	cfg      Config
	log      zerolog.Logger
	sessions *coordinator.Client
	turns    *turns

	mu   sync.Mutex // protects view
	view view       // how /tasks looked when it was last read; zero before that
}

// Open makes a client. It does not connect: the first call does, see [Client.Connect].
func Open(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{
		cfg:      cfg,
		log:      cfg.Log,
		sessions: coordinator.NewClient(cfg.Coordinator),
		turns:    newTurns(cfg.MaxWatches),
	}, nil
}

// Connect waits until the client has a session. The error wraps
// coordinator.ErrNoServer when ctx ends first.
func (c *Client) Connect(ctx context.Context) error {
	_, err := c.sessions.Session(ctx)
	return err
}

// Close ends the client's session. Calls under way return an error that wraps
// coordinator.ErrClosed.
func (c *Client) Close() error { return c.sessions.Close() }

// with calls read with a live session, and again with the next session when
// it was lost meanwhile, until ctx ends. So read must be safe to repeat.
func (c *Client) with(ctx context.Context, read func(*coordinator.Session) error) error {
	var pause backoff
	for {
		s, err := c.sessions.Session(ctx)
		if err != nil {
			return err
		}
		if err = read(s); !passing(err) {
			return err
		}
		if !pause.wait(ctx) {
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
	}
}

// passing reports whether err is about the way to the service and not an
// answer of it: the call is worth repeating with the next session.
func passing(err error) bool {
	return errors.Is(err, coordinator.ErrSessionLost) || errors.Is(err, coordinator.ErrNoServer)
}

// A backoff paces attempts: 10 ms, doubling up to 1 s, each half by chance so
// that clients that met in a conflict do not meet again.
type backoff struct{ next time.Duration }

// wait reports false when ctx ended first.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(10*time.Millisecond, 2*b.next), time.Second)
	return sleep(ctx, b.next/2+rand.N(b.next/2))
}

// sleep reports false when ctx ended before d had passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
