package client

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A Client is one session. Its methods may be called from any goroutine.
type Client struct {
	cfg   Config
	slots chan struct{} // one for each call in flight
	link  atomic.Pointer[link]
	xid   atomic.Int32
	zxid  atomic.Int64 // newest zxid this client was shown

	// parting is set by Close before it says goodbye: what ends now is meant to.
	parting atomic.Bool

	// closing is closed by Close: Run ends.
	closing   chan struct{}
	closeOnce sync.Once

	// ended is closed when Run has returned; endErr is set before that.
	ended  chan struct{}
	endErr error

	mu      sync.Mutex    // protects the fields below
	changed chan struct{} // closed and replaced when link changes
	lastErr error         // why there is no connection; nil while there is one
	session Session
	watches watches
	auths   []wire.AuthRequest // given again to each connection
}

// A Session is what a server has granted.
type Session struct {
	ID       int64
	Password []byte        // needed to attach to the session again
	Timeout  time.Duration // the session's, as the server set it
	Server   string        // the address of the current or last connection
	ReadOnly bool          // that server is cut off from the others
}

// New returns a client that does nothing until [Client.Run].
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{
		cfg:     cfg,
		slots:   make(chan struct{}, cfg.MaxInFlight),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
		changed: make(chan struct{}),
		watches: newWatches(),
	}, nil
}

// Dial runs a new client in a goroutine and waits until it has a session. The
// caller must Close it. ctx bounds only the waiting; when it ends first the error is
// [ErrNotConnected], with why the last attempt failed.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	go c.Run(context.Background()) // ends with Close
	if err := c.Wait(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Wait waits until the client is connected. It returns [ErrNotConnected] when ctx
// ends first, and what ended the client when that has ended.
func (c *Client) Wait(ctx context.Context) error {
	for {
		changed := c.changes()
		if c.link.Load() != nil {
			return nil
		}
		select {
		case <-changed:
		case <-c.ended:
			return c.endErr
		case <-ctx.Done():
			return c.notConnected(ctx)
		}
	}
}

// Run keeps the session alive until ctx ends, [Client.Close] is called, or the
// session is over. It returns context.Cause(ctx), [ErrClosed], [ErrSessionExpired]
// or [ErrAuthFailed]. A session whose Run was ended by ctx lives until it expires.
// Run must be called once.
func (c *Client) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { // ends with ctx, by Close or below
		select {
		case <-c.closing:
			cancel(ErrClosed)
		case <-ctx.Done():
		}
	})
	err := c.keep(ctx)
	cancel(nil)
	wg.Wait()
	c.mu.Lock()
	c.endErr = err
	c.mu.Unlock()
	if state, ok := lastState[err]; ok {
		c.cfg.OnEvent(wire.WatcherEvent{Type: wire.EventNone, State: state})
	}
	close(c.ended)
	return err
}

// lastState is what OnEvent hears last.
var lastState = map[error]wire.KeeperState{
	ErrClosed:         wire.StateClosed,
	ErrSessionExpired: wire.StateExpired,
	ErrAuthFailed:     wire.StateAuthFailed,
}

// Close ends the session, its ephemeral znodes with it, and the client. It waits at
// most a third of the session timeout for the server's answer, and until Run has
// returned, so it must not be called from Done or OnEvent, nor without a Run.
func (c *Client) Close() error {
	c.parting.Store(true)
	if c.link.Load() != nil {
		ctx, cancel := context.WithTimeout(context.Background(), c.cfg.SessionTimeout/3)
		defer cancel()
		if _, err := c.Do(ctx, wire.OpCloseSession, nil, nil); err != nil {
			c.cfg.Log.Debug().Err(err).Msg("session not closed, it will expire")
		}
	}
	c.closeOnce.Do(func() { close(c.closing) })
	<-c.ended
	return nil
}

// Session returns what the server granted last; ID 0 before that.
func (c *Client) Session() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Connected reports whether there is a connection now.
func (c *Client) Connected() bool { return c.link.Load() != nil }

// Err returns what ended the client, or nil.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endErr
}

// changes returns a channel that is closed at the next change of the connection.
func (c *Client) changes() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// setLink publishes a connection, or with nil and a reason that there is none.
func (c *Client) setLink(l *link, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastErr = why
	c.link.Store(l)
	close(c.changed)
	c.changed = make(chan struct{})
}

// nextXid counts from 1 and never gives the xids the protocol reserves.
func (c *Client) nextXid() int32 {
	for {
		if x := c.xid.Add(1); x > 0 {
			return x
		}
		c.xid.Store(0)
	}
}

// showed remembers the newest zxid a reply carried.
func (c *Client) showed(zxid int64) {
	if zxid > c.zxid.Load() { // only the read loop writes
		c.zxid.Store(zxid)
	}
}

func (c *Client) String() string {
	s := c.Session()
	return fmt.Sprintf("session 0x%x at %s", s.ID, s.Server)
}
