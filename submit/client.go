package submit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
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

	rooted  atomic.Bool // the chroot has been seen
	refused atomic.Bool // the service said "try again later", and we said so

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

// ErrNoQueue: the chroot that the client was given is not there, so no master
// and no worker has ever run in it. Clients do not make it: a mistyped chroot
// would become a queue that nobody serves.
var ErrNoQueue = errors.New("submit: no queue")

// Connect waits until the client has a session, and sees whether the chroot is
// there. The error wraps coordinator.ErrNoServer when ctx ends first,
// [ErrNoQueue] when there is no such chroot.
func (c *Client) Connect(ctx context.Context) error {
	return c.with(ctx, func(*coordinator.Session) error { return nil })
}

// Close ends the client's session. Calls under way return an error that wraps
// coordinator.ErrClosed.
func (c *Client) Close() error { return c.sessions.Close() }

// findRoot sees whether the chroot is there, until it has been there once.
func (c *Client) findRoot(ctx context.Context, s *coordinator.Session) error {
	if c.cfg.Coordinator.Chroot == "" || c.rooted.Load() {
		return nil
	}
	if err := s.Sync(ctx, "/"); err != nil { // a member that lags may not have it yet
		return err
	}
	_, there, err := s.Exists(ctx, "/")
	if err != nil {
		return err
	}
	if !there {
		return c.noQueue()
	}
	c.rooted.Store(true)
	return nil
}

func (c *Client) noQueue() error {
	return fmt.Errorf("%w: there is no %s on the service", ErrNoQueue, c.cfg.Coordinator.Chroot)
}

// with calls read with a live session, and again with the next session when
// it was lost meanwhile, until ctx ends. So read must be safe to repeat.
func (c *Client) with(ctx context.Context, read func(*coordinator.Session) error) error {
	pause := newBackoff()
	for {
		s, err := c.sessions.Session(ctx)
		if err != nil {
			return err
		}
		if err = c.findRoot(ctx, s); err == nil {
			err = read(s)
		}
		if !passing(err) {
			return err
		}
		c.tell(err)
		if pause.Wait(ctx) != nil {
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
	}
}

// passing reports whether err is about the way to the service, or about what
// it can do now, and not its answer: the call is worth repeating.
func passing(err error) bool {
	return errors.Is(err, coordinator.ErrSessionLost) || errors.Is(err, coordinator.ErrNoServer) ||
		errors.Is(err, coordinator.ErrTryLater)
}

// tell logs the first of those errors that are the service's fault, until
// something was done again.
func (c *Client) tell(err error) {
	if errors.Is(err, coordinator.ErrTryLater) && c.refused.CompareAndSwap(false, true) {
		c.log.Warn().Err(err).Msg("service takes no requests for now, its disk may be full; trying on")
	}
}

// newBackoff paces attempts: soon at first, as most conflicts are with other
// clients and over at once.
func newBackoff() coordinator.Backoff {
	return coordinator.Backoff{First: 10 * time.Millisecond, Most: time.Second}
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
