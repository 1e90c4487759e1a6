package zkshell

import (
	"context"
	"fmt"
	"strconv"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// maxTTL is the longest time a znode's TTL can say, in milliseconds.
const maxTTL = 1<<40 - 1

// A creation is what the options of create ask for.
type creation struct {
	flags     int32
	container bool
	hasTTL    bool
	ttl       int64
}

// creationOf reads the options of create.
func creationOf(p parsed) (creation, error) {
	m := creation{container: p.has("c"), hasTTL: p.has("t")}
	if m.container && (p.has("e") || p.has("s")) {
		return m, failf("-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.")
	}
	if m.hasTTL {
		var err error
		if m.ttl, err = strconv.ParseInt(p.values["t"], 10, 64); err != nil {
			return m, failf("-t argument must be a long value")
		}
	}
	switch {
	case m.hasTTL && p.has("e"):
		return m, failf("TTLs cannot be used with Ephemeral znodes")
	case m.hasTTL && m.container:
		return m, failf("TTLs cannot be used with Container znodes")
	case m.hasTTL && (m.ttl <= 0 || m.ttl > maxTTL):
		return m, failf("ttl must be positive and cannot be larger than: %d", int64(maxTTL))
	}
	if p.has("e") {
		m.flags |= wire.FlagEphemeral
	}
	if p.has("s") {
		m.flags |= wire.FlagSequential
	}
	if m.hasTTL {
		m.flags = wire.FlagPersistentTTL + m.flags/wire.FlagSequential
	}
	return m, nil
}

func create(ctx context.Context, k *call) error {
	m, err := creationOf(k.parsed)
	if err != nil {
		return err
	}
	path := k.args[1]
	var data []byte
	if len(k.args) > 2 {
		data = []byte(k.args[2])
	}
	acl := client.OpenACL
	if len(k.args) > 3 {
		acl = parseACL(k.args[3], k.err)
	}
	checked := path
	if m.flags == wire.FlagSequential || m.flags == wire.FlagEphemeralSequential || m.flags == wire.FlagPersistentSequentialTTL {
		checked += "1" // so that a suffix alone can be the name
	}
	if err := checkPath(checked); err != nil {
		return err
	}
	made, err := k.create(ctx, m, path, data, acl)
	if r, ok := err.(*refusal); ok {
		switch r.code {
		case wire.InvalidACL:
			fmt.Fprintln(k.err, r.plain())
		case wire.EphemeralOnLocalSession:
			fmt.Fprintln(k.err, "Unable to create ephemeral node on a local session")
		}
	}
	if err == nil {
		fmt.Fprintf(k.out, "Created %s\n", made)
	}
	return err
}

func (k *call) create(ctx context.Context, m creation, path string, data []byte, acl []wire.ACL) (made string, err error) {
	if len(acl) == 0 {
		return "", &refusal{code: wire.InvalidACL, path: noPath}
	}
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	switch {
	case m.container:
		made, _, err = k.c.CreateContainer(ctx, path, data, acl)
	case m.hasTTL:
		made, _, err = k.c.CreateTTL(ctx, path, data, m.flags, acl, m.ttl)
	default:
		made, err = k.c.Create(ctx, path, data, m.flags, acl)
	}
	return made, refused(err, path)
}

func set(ctx context.Context, k *call) error {
	v, err := k.version()
	if err != nil {
		return err
	}
	s, err := k.set(ctx, k.args[1], []byte(k.args[2]), v)
	if err == nil && k.has("s") {
		k.stat(s)
	}
	return err
}

func deleteOne(ctx context.Context, k *call) error {
	v, err := k.version()
	if err != nil {
		return err
	}
	return k.delete(ctx, k.args[1], v)
}

// version is the value of -v, or -1 for any.
func (k *call) version() (int32, error) {
	if !k.has("v") {
		return -1, nil
	}
	v, err := strconv.ParseInt(k.values["v"], 10, 32)
	if err != nil {
		return 0, failf("-v argument must be an int value")
	}
	return int32(v), nil
}

// defaultBatch is how many znodes one multi of deleteall deletes.
const defaultBatch = 1000

// deleteAll deletes a tree from its leaves up, in batches: what is created meanwhile
// makes a batch fail, and what was deleted by then stays deleted.
func deleteAll(ctx context.Context, k *call) error {
	batch := defaultBatch
	if k.has("b") {
		n, err := strconv.ParseInt(k.values["b"], 10, 32)
		if err != nil {
			return failf("-b argument must be an int value")
		}
		batch = int(n)
	}
	tree := []string{k.args[1]}
	for i := 0; i < len(tree); i++ { // grows: breadth first
		names, _, err := k.children(ctx, tree[i], false)
		if err != nil {
			return err
		}
		for _, name := range names {
			tree = append(tree, join(tree[i], name))
		}
	}
	var ops []wire.MultiOp
	for i := len(tree) - 1; i >= 0; i-- {
		ops = append(ops, wire.MultiOp{Op: wire.OpDelete, Request: &wire.DeleteRequest{Path: tree[i], Version: -1}})
		if len(ops) != batch && i > 0 {
			continue
		}
		err := k.ask(ctx, k.args[1], func(ctx context.Context) error {
			_, err := k.c.Multi(ctx, ops...)
			return err
		})
		if err != nil {
			fmt.Fprintln(k.err, "Failed to delete some node(s) in the subtree!")
			return nil
		}
		ops = ops[:0]
	}
	return nil
}
