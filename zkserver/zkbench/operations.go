package zkbench

import (
	"context"
	"strconv"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// value is what znodes hold.
var value = make([]byte, 100)

// An operation is what the requests of a row are.
type operation struct {
	name string

	// write says that each request is a write, whose CPU time is shown.
	write bool

	// prepare makes a connection's folder.
	prepare func(ctx context.Context, c *client.Client, dir string) error

	// requests gives a source of the requests of one connection.
	requests func(dir string) func() (wire.Op, wire.Record, wire.Record)
}

// keys is how many znodes a connection reads and writes.
const keys = 100

var operations = []operation{
	{"create", true, folder, creates},
	{"set", true, folderWithKeys, sets},
	{"get", false, folderWithKeys, gets},
	{"exists", false, folderWithKeys, existences},
	{"children", false, folderWithKeys, listings},
	{"mix", false, folderWithKeys, mixes},
	{"multi", true, folder, multis},
}

func folder(ctx context.Context, c *client.Client, dir string) error {
	_, err := c.Create(ctx, dir, nil, wire.FlagPersistent, client.OpenACL)
	return err
}

func folderWithKeys(ctx context.Context, c *client.Client, dir string) error {
	if err := folder(ctx, c, dir); err != nil {
		return err
	}
	var ops []wire.MultiOp
	for i := range keys {
		ops = append(ops, wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: key(dir, i), Data: value, ACL: client.OpenACL}})
	}
	_, err := c.Multi(ctx, ops...)
	return err
}

func key(dir string, i int) string { return dir + "/" + strconv.Itoa(i%keys) }

// paths gives the keys of a folder in turn.
func paths(dir string) func() string {
	all := make([]string, keys)
	for i := range all {
		all[i] = key(dir, i)
	}
	i := 0
	return func() string { i++; return all[i%keys] }
}

// The records are new for each request: Send encodes them, but another request
// of the same source may be asked for before that.

func creates(dir string) func() (wire.Op, wire.Record, wire.Record) {
	n := 0
	return func() (wire.Op, wire.Record, wire.Record) {
		n++
		return wire.OpCreate, &wire.CreateRequest{Path: dir + "/n" + strconv.Itoa(n), Data: value, ACL: client.OpenACL}, nil
	}
}

func sets(dir string) func() (wire.Op, wire.Record, wire.Record) {
	path := paths(dir)
	return func() (wire.Op, wire.Record, wire.Record) {
		return wire.OpSetData, &wire.SetDataRequest{Path: path(), Data: value, Version: -1}, nil
	}
}

func gets(dir string) func() (wire.Op, wire.Record, wire.Record) {
	return reads(wire.OpGetData, paths(dir))
}

func existences(dir string) func() (wire.Op, wire.Record, wire.Record) {
	return reads(wire.OpExists, paths(dir))
}

func listings(dir string) func() (wire.Op, wire.Record, wire.Record) {
	return reads(wire.OpGetChildren, func() string { return dir })
}

func reads(op wire.Op, path func() string) func() (wire.Op, wire.Record, wire.Record) {
	return func() (wire.Op, wire.Record, wire.Record) {
		return op, &wire.PathWatchRequest{Path: path()}, nil
	}
}

// mixes gives nine gets to a set.
func mixes(dir string) func() (wire.Op, wire.Record, wire.Record) {
	get, set, n := gets(dir), sets(dir), 0
	return func() (wire.Op, wire.Record, wire.Record) {
		if n++; n%10 == 0 {
			return set()
		}
		return get()
	}
}

// multis gives multis of 100 creates.
func multis(dir string) func() (wire.Op, wire.Record, wire.Record) {
	n := 0
	return func() (wire.Op, wire.Record, wire.Record) {
		ops := make([]wire.MultiOp, 100)
		for i := range ops {
			n++
			ops[i] = wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: dir + "/n" + strconv.Itoa(n), Data: value, ACL: client.OpenACL}}
		}
		return wire.OpMulti, &wire.MultiRequest{Ops: ops}, nil
	}
}
