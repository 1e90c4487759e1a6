package client

import (
	"bytes"
	"context"

	"github.com/mwqueue/mw/zkserver/wire"
)

// The methods of this file are one op each. Paths are below the chroot. An answer
// other than OK is an *[Error]; see [Client.Do] for the other errors.

// on makes a request about one path.
func (c *Client) on(ctx context.Context, op wire.Op, path string, request, reply wire.Record) error {
	_, err := c.Do(ctx, op, request, reply)
	return withPath(err, path)
}

// Create makes a znode and returns its path, which for a sequential one has a
// suffix. flags is one of wire.Flag…; containers and TTLs have methods of their own.
func (c *Client) Create(ctx context.Context, path string, data []byte, flags int32, acl []wire.ACL) (string, error) {
	var r wire.CreateResponse
	err := c.on(ctx, wire.OpCreate, path, &wire.CreateRequest{Path: c.whole(path), Data: data, ACL: acl, Flags: flags}, &r)
	return c.shown(r.Path), err
}

// Create2 is Create that returns the stat too.
func (c *Client) Create2(ctx context.Context, path string, data []byte, flags int32, acl []wire.ACL) (string, wire.Stat, error) {
	var r wire.Create2Response
	err := c.on(ctx, wire.OpCreate2, path, &wire.CreateRequest{Path: c.whole(path), Data: data, ACL: acl, Flags: flags}, &r)
	return c.shown(r.Path), r.Stat, err
}

// CreateContainer makes a znode that goes some time after its last child.
func (c *Client) CreateContainer(ctx context.Context, path string, data []byte, acl []wire.ACL) (string, wire.Stat, error) {
	var r wire.Create2Response
	q := wire.CreateRequest{Path: c.whole(path), Data: data, ACL: acl, Flags: wire.FlagContainer}
	err := c.on(ctx, wire.OpCreateContainer, path, &q, &r)
	return c.shown(r.Path), r.Stat, err
}

// CreateTTL makes a znode that goes when it has had no child and no write for ttl
// milliseconds. flags is one of the two with TTL.
func (c *Client) CreateTTL(ctx context.Context, path string, data []byte, flags int32, acl []wire.ACL, ttl int64) (string, wire.Stat, error) {
	var r wire.Create2Response
	q := wire.CreateTTLRequest{Path: c.whole(path), Data: data, ACL: acl, Flags: flags, TTL: ttl}
	err := c.on(ctx, wire.OpCreateTTL, path, &q, &r)
	return c.shown(r.Path), r.Stat, err
}

// Delete removes a znode without children. version -1 is any.
func (c *Client) Delete(ctx context.Context, path string, version int32) error {
	return c.on(ctx, wire.OpDelete, path, &wire.DeleteRequest{Path: c.whole(path), Version: version}, nil)
}

// Exists returns the stat of a znode. With watch, OnEvent hears once of its
// creation, deletion or change, also when it does not exist now.
func (c *Client) Exists(ctx context.Context, path string, watch bool) (wire.Stat, error) {
	var r wire.StatResponse
	err := c.on(ctx, wire.OpExists, path, &wire.PathWatchRequest{Path: c.whole(path), Watch: watch}, &r)
	return r.Stat, err
}

// Get returns a znode's data, nil if it is null, and stat.
func (c *Client) Get(ctx context.Context, path string, watch bool) ([]byte, wire.Stat, error) {
	var r wire.GetDataResponse
	err := c.on(ctx, wire.OpGetData, path, &wire.PathWatchRequest{Path: c.whole(path), Watch: watch}, &r)
	return r.Data, r.Stat, err
}

// Set writes a znode's data. version -1 is any.
func (c *Client) Set(ctx context.Context, path string, data []byte, version int32) (wire.Stat, error) {
	var r wire.StatResponse
	err := c.on(ctx, wire.OpSetData, path, &wire.SetDataRequest{Path: c.whole(path), Data: data, Version: version}, &r)
	return r.Stat, err
}

// GetACL returns a znode's ACL.
func (c *Client) GetACL(ctx context.Context, path string) ([]wire.ACL, wire.Stat, error) {
	var r wire.GetACLResponse
	err := c.on(ctx, wire.OpGetACL, path, &wire.PathRequest{Path: c.whole(path)}, &r)
	return r.ACL, r.Stat, err
}

// SetACL replaces a znode's ACL. version is the ACL's, -1 for any.
func (c *Client) SetACL(ctx context.Context, path string, acl []wire.ACL, version int32) (wire.Stat, error) {
	var r wire.StatResponse
	err := c.on(ctx, wire.OpSetACL, path, &wire.SetACLRequest{Path: c.whole(path), ACL: acl, Version: version}, &r)
	return r.Stat, err
}

// Children returns the names of a znode's children, in no order.
func (c *Client) Children(ctx context.Context, path string, watch bool) ([]string, wire.Stat, error) {
	var r wire.Children2Response
	err := c.on(ctx, wire.OpGetChildren2, path, &wire.PathWatchRequest{Path: c.whole(path), Watch: watch}, &r)
	return r.Children, r.Stat, err
}

// AllChildrenNumber returns how many znodes there are below path.
func (c *Client) AllChildrenNumber(ctx context.Context, path string) (int, error) {
	var r wire.CountResponse
	err := c.on(ctx, wire.OpGetAllChildrenNumber, path, &wire.PathRequest{Path: c.whole(path)}, &r)
	return int(r.Count), err
}

// Ephemerals returns the paths of this session's ephemeral znodes that begin with
// prefix.
func (c *Client) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	var r wire.ChildrenResponse
	err := c.on(ctx, wire.OpGetEphemerals, prefix, &wire.PathRequest{Path: c.whole(prefix)}, &r)
	for i := range r.Children {
		r.Children[i] = c.shown(r.Children[i])
	}
	return r.Children, err
}

// Sync returns when the server has seen every write that was done before.
func (c *Client) Sync(ctx context.Context, path string) error {
	return c.on(ctx, wire.OpSync, path, &wire.PathRequest{Path: c.whole(path)}, new(wire.PathResponse))
}

// Multi does all of ops or none. When one fails the error is an *[Error] with its op,
// path and code, and every result is an error (see [wire.MultiResponse]).
func (c *Client) Multi(ctx context.Context, ops ...wire.MultiOp) ([]wire.MultiResult, error) {
	r, err := c.multi(ctx, wire.OpMulti, ops)
	for i, res := range r {
		if code := res.Err(); err == nil && code != wire.OK && code != wire.RuntimeInconsistency && i < len(ops) {
			err = &Error{Op: ops[i].Op, Path: pathOf(ops[i].Request), Code: code}
		}
	}
	return r, err
}

// MultiRead does several getData and getChildren; each has its own result.
func (c *Client) MultiRead(ctx context.Context, ops ...wire.MultiOp) ([]wire.MultiResult, error) {
	return c.multi(ctx, wire.OpMultiRead, ops)
}

func (c *Client) multi(ctx context.Context, op wire.Op, ops []wire.MultiOp) ([]wire.MultiResult, error) {
	q := wire.MultiRequest{Ops: make([]wire.MultiOp, len(ops))}
	for i, o := range ops {
		q.Ops[i] = wire.MultiOp{Op: o.Op, Request: c.wholeRecord(o.Request)}
	}
	var r wire.MultiResponse
	if _, err := c.Do(ctx, op, &q, &r); err != nil {
		return nil, err
	}
	for _, res := range r.Results {
		switch reply := res.Reply.(type) {
		case *wire.CreateResponse:
			reply.Path = c.shown(reply.Path)
		case *wire.Create2Response:
			reply.Path = c.shown(reply.Path)
		}
	}
	return r.Results, nil
}

// AddAuth gives the connection an identity, and every later connection of the
// session. A refusal ends the client with [ErrAuthFailed].
func (c *Client) AddAuth(ctx context.Context, scheme string, auth []byte) error {
	_, err := c.Do(ctx, wire.OpAuth, &wire.AuthRequest{Scheme: scheme, Auth: bytes.Clone(auth)}, nil)
	if CodeOf(err) == wire.AuthFailed {
		select { // so that the next call finds the client at its end
		case <-c.ended:
		case <-ctx.Done():
		}
		return ErrAuthFailed
	}
	return err
}

// WhoAmI returns the connection's identities.
func (c *Client) WhoAmI(ctx context.Context) ([]wire.ID, error) {
	var r wire.WhoAmIResponse
	_, err := c.Do(ctx, wire.OpWhoAmI, nil, &r)
	return r.IDs, err
}

// AddWatch sets a watch that stays: mode is one of wire.AddPersistent….
func (c *Client) AddWatch(ctx context.Context, path string, mode int32) error {
	return c.on(ctx, wire.OpAddWatch, path, &wire.AddWatchRequest{Path: c.whole(path), Mode: mode}, new(wire.ErrorResponse))
}

// RemoveWatches removes the watches of a kind, one of wire.Watch…. OnEvent hears of
// each that is gone.
func (c *Client) RemoveWatches(ctx context.Context, path string, kind int32) error {
	return c.on(ctx, wire.OpRemoveWatches, path, &wire.RemoveWatchesRequest{Path: c.whole(path), Type: kind}, nil)
}

// CheckWatches answers [wire.NoWatcher] when the server has no watch of that kind.
func (c *Client) CheckWatches(ctx context.Context, path string, kind int32) error {
	return c.on(ctx, wire.OpCheckWatches, path, &wire.RemoveWatchesRequest{Path: c.whole(path), Type: kind}, nil)
}

// Watching reports whether the client itself knows of a watch that RemoveWatches of
// that kind would remove.
func (c *Client) Watching(path string, kind int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watches.has(c.whole(path), kind)
}

// Reconfig changes the members of the ensemble and returns the new configuration.
func (c *Client) Reconfig(ctx context.Context, q wire.ReconfigRequest) ([]byte, wire.Stat, error) {
	var r wire.GetDataResponse
	_, err := c.Do(ctx, wire.OpReconfig, &q, &r)
	return r.Data, r.Stat, err
}

// ForgetWatches drops watches of a kind without asking a server: they are not set
// again on the next connection. OnEvent hears of each that is gone; it may then be
// called at the same time as by the read loop.
func (c *Client) ForgetWatches(path string, kind int32) {
	c.mu.Lock()
	gone := c.watches.remove(c.whole(path), kind)
	c.mu.Unlock()
	c.removed(c.whole(path), gone)
}
