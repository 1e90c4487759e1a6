package client

import (
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// noteWatch does to the watches what an answered call asked for. The read loop
// calls it before Done.
func (c *Client) noteWatch(call *Call, code wire.Code) {
	a := call.watch
	if a.op == 0 {
		return
	}
	c.mu.Lock()
	gone := c.watches.answered(a, code)
	c.mu.Unlock()
	c.removed(a.path, gone)
}

// removed tells OnEvent of watches that are no more, as Apache's client does.
func (c *Client) removed(path string, gone []wire.EventType) {
	for _, t := range gone {
		c.cfg.OnEvent(wire.WatcherEvent{Type: t, State: wire.StateSyncConnected, Path: c.shown(path)})
	}
}

// fired passes an event on, if anybody asked for it.
func (c *Client) fired(e wire.WatcherEvent) {
	c.mu.Lock()
	heard := c.watches.fired(e)
	c.mu.Unlock()
	if !heard {
		return
	}
	e.Path = c.shown(e.Path)
	c.cfg.OnEvent(e)
}

// authorized remembers an identity that the server took, for later connections.
func (c *Client) authorized(call *Call, code wire.Code) {
	if r, ok := call.Request.(*wire.AuthRequest); ok && code == wire.OK {
		c.mu.Lock()
		c.auths = append(c.auths, *r)
		c.mu.Unlock()
	}
}

// whole returns the path the server knows for one of the caller's.
func (c *Client) whole(path string) string {
	switch {
	case c.cfg.Chroot == "":
		return path
	case path == "/":
		return c.cfg.Chroot
	}
	return c.cfg.Chroot + path
}

// shown returns the path the caller knows for one of the server's.
func (c *Client) shown(path string) string {
	rest, ok := strings.CutPrefix(path, c.cfg.Chroot)
	switch {
	case !ok || c.cfg.Chroot == "":
		return path
	case rest == "":
		return "/"
	}
	return rest
}
