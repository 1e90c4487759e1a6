package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

const (
	lockPath  = "/examples/failover/lock"
	crumbPath = "/examples/failover/active" // holds the name of the node that may be active
)

// checkEvery is how often the service's health is looked at.
const checkEvery = 300 * time.Millisecond

var errUnhealthy = errors.New("the service is not healthy")

// A controller decides whether the service of its node is active.
type controller struct {
	node  string
	hooks hooks
	cfg   coordinator.Config
	out   io.Writer
}

// run takes its turns until ctx ends: nothing that goes wrong ends it.
func (c *controller) run(ctx context.Context) error {
	for {
		if err := c.turn(ctx); ctx.Err() == nil {
			c.say("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		select {
		case <-time.After(checkEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// turn waits for the lock and is active until the lock is lost or the service is
// ill. The session ends with it: what it was able to do is over for ever.
func (c *controller) turn(ctx context.Context) error {
	if err := c.hooks.checkHealth(ctx, "standby", 0); err != nil {
		return err
	}
	s, err := coordinator.Connect(ctx, c.cfg)
	if err != nil {
		return err
	}
	defer s.Close()

	healthy, stop := c.whileHealthy(ctx, "standby", 0)
	lock, err := s.Lock(healthy, lockPath)
	stop()
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(lock.Context(), func() { cancel(context.Cause(lock.Context())) })()
	if err := c.clearWay(ctx, s, lock); err != nil {
		return err // the breadcrumb is not ours
	}
	return errors.Join(c.lead(ctx, lock), c.stepDown(lock))
}

// lead makes the service active and returns when it must be no more.
func (c *controller) lead(ctx context.Context, lock *coordinator.Lock) error {
	if !lock.Held() { // we may have slept, and not been told yet
		return coordinator.ErrLockLost
	}
	c.say("becoming active, with fence %d", lock.Fence())
	if err := c.hooks.activateService(ctx, lock.Fence()); err != nil {
		return err
	}
	ctx, stop := c.whileHealthy(ctx, "active", lock.Fence())
	defer stop()
	<-ctx.Done()
	return context.Cause(ctx)
}

// clearWay fences the node that may still be active, and leaves our own breadcrumb.
// Both must have succeeded before we are active.
func (c *controller) clearWay(ctx context.Context, s *coordinator.Session, lock *coordinator.Lock) error {
	crumb, _, err := s.Get(ctx, crumbPath)
	none := errors.Is(err, coordinator.ErrNoNode)
	if err != nil && !none {
		return err
	}
	if before := string(crumb); !none && before != c.node {
		c.say("fencing %s", before)
		if err := c.hooks.fenceNode(ctx, before, lock.Fence()); err != nil {
			return err
		}
	}
	leave := coordinator.SetOp(crumbPath, []byte(c.node), coordinator.AnyVersion)
	if none {
		leave = coordinator.CreateOp(crumbPath, []byte(c.node), coordinator.Persistent)
	}
	_, err = lock.Multi(ctx, leave) // which a controller that was deposed cannot
	return err
}

// stepDown makes the service standby. Only if that is certain the breadcrumb goes:
// else the next one fences us.
func (c *controller) stepDown(lock *coordinator.Lock) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*hookTimeout) // also when we are told to end
	defer cancel()
	err := c.hooks.standbyService(ctx, lock.Fence())
	if err == nil {
		_, err = lock.Multi(ctx, coordinator.DeleteOp(crumbPath, coordinator.AnyVersion))
	}
	if err != nil {
		return fmt.Errorf("leaving the breadcrumb: %w", err)
	}
	c.say("standby")
	return lock.Unlock(ctx)
}

// whileHealthy is a context that ends when the service is not healthy any more.
func (c *controller) whileHealthy(ctx context.Context, role string, fence int64) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { // ends with ctx
		for ctx.Err() == nil {
			if err := c.hooks.checkHealth(ctx, role, fence); err != nil {
				cancel(err)
			}
			select {
			case <-time.After(checkEvery):
			case <-ctx.Done():
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

func (c *controller) say(format string, args ...any) {
	fmt.Fprintf(c.out, "%s: %s\n", c.node, fmt.Sprintf(format, args...))
}
