package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// The pause after every server was tried in vain grows from the first to the second.
const (
	minPause = 50 * time.Millisecond
	maxPause = time.Second
)

// keep connects again and again until the session is over or ctx ends.
func (c *Client) keep(ctx context.Context) error {
	servers := append([]string(nil), c.cfg.Servers...)
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	pause := minPause
	for i := 0; ; i++ {
		if i > 0 && i%len(servers) == 0 {
			wait(ctx, pause/2+rand.N(pause/2))
			pause = min(2*pause, maxPause)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l, err := c.attach(ctx, servers[i%len(servers)])
		if err == nil {
			since := time.Now()
			err = c.serve(ctx, l)
			if time.Since(since) > maxPause { // else it is as good as none
				pause, i = minPause, -1
			}
		}
		switch {
		case c.parting.Load():
			return ErrClosed
		case errors.Is(err, ErrSessionExpired):
			return ErrSessionExpired
		case errors.Is(err, ErrAuthFailed):
			return ErrAuthFailed
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		c.setLink(nil, err)
		c.cfg.Log.Debug().Err(err).Str("addr", servers[max(i, 0)%len(servers)]).Msg("no connection")
	}
}

// attach connects to one server and shakes hands. Each part of it may take a
// third of the session timeout, so that there is time for another server.
func (c *Client) attach(ctx context.Context, addr string) (*link, error) {
	patience := c.cfg.SessionTimeout / 3
	dialCtx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	nc, err := c.cfg.Dial(dialCtx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	l := newLink(c, nc)
	nc.SetDeadline(time.Now().Add(patience))
	answer, err := l.shakeHands()
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	nc.SetDeadline(time.Time{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = Session{
		ID: answer.SessionID, Password: answer.Password, Server: addr, ReadOnly: answer.ReadOnly,
		Timeout: time.Duration(answer.TimeoutMillis) * time.Millisecond,
	}
	l.timeout = c.session.Timeout
	for i := range c.auths {
		l.append(wire.XidAuth, wire.OpAuth, &c.auths[i])
		l.auths = append(l.auths, nil)
	}
	for _, r := range c.watches.requests(c.zxid.Load()) {
		l.append(wire.XidSetWatches, r.op, r.body)
	}
	return l, nil
}

// serve lets requests use l until it ends, and returns why it did.
func (c *Client) serve(ctx context.Context, l *link) error {
	state := wire.StateSyncConnected
	if c.Session().ReadOnly {
		state = wire.StateConnectedReadOnly
	}
	c.cfg.OnEvent(wire.WatcherEvent{Type: wire.EventNone, State: state})
	c.setLink(l, nil)
	err := l.run(ctx)
	c.setLink(nil, err)
	l.failAll(ErrConnectionLost)
	if !errors.Is(err, ErrAuthFailed) && !c.parting.Load() {
		c.cfg.OnEvent(wire.WatcherEvent{Type: wire.EventNone, State: wire.StateDisconnected})
	}
	return err
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
