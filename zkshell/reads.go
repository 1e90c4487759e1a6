package zkshell

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/mwqueue/mw/zkserver/wire"
)

func list(ctx context.Context, k *call) error {
	path := k.args[1]
	if k.has("R") {
		return k.walk(ctx, path, k.has("w"), func(path string) error {
			_, err := fmt.Fprintln(k.out, path)
			return err
		})
	}
	names, s, err := k.children(ctx, path, k.has("w"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	io.WriteString(k.out, formatList(names))
	if k.has("s") {
		k.stat(s)
	}
	return nil
}

// walk visits path and all below it: the children of a znode, then what is below each.
func (k *call) walk(ctx context.Context, path string, watch bool, visit func(string) error) error {
	if _, _, err := k.get(ctx, path, watch); err != nil {
		return err
	}
	if err := visit(path); err != nil {
		return err
	}
	return k.walkBelow(ctx, path, watch, visit)
}

// walkBelow passes over what has been deleted meanwhile. It keeps its own stack: a
// tree may be deeper than it is wise to call.
func (k *call) walkBelow(ctx context.Context, path string, watch bool, visit func(string) error) error {
	stack := []string{path}
	for len(stack) > 0 {
		path, stack = stack[len(stack)-1], stack[:len(stack)-1]
		names, _, err := k.children(ctx, path, watch)
		if is(err, wire.NoNode) {
			continue
		}
		if err != nil {
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			if err := visit(join(path, name)); err != nil {
				return err
			}
		}
		for _, name := range slices.Backward(names) {
			stack = append(stack, join(path, name))
		}
	}
	return nil
}

func get(ctx context.Context, k *call) error {
	data, s, err := k.get(ctx, k.args[1], k.has("w"))
	if err != nil {
		return err
	}
	io.WriteString(k.out, formatData(data))
	if k.has("s") {
		k.stat(s)
	}
	return nil
}

func stat(ctx context.Context, k *call) error {
	s, err := k.exists(ctx, k.args[1], k.has("w"))
	if err != nil {
		return err
	}
	k.stat(s)
	return nil
}

func allChildrenNumber(ctx context.Context, k *call) error {
	var n int
	err := k.ask(ctx, k.args[1], func(ctx context.Context) (err error) {
		n, err = k.c.AllChildrenNumber(ctx, k.args[1])
		return err
	})
	if err == nil {
		fmt.Fprintln(k.out, n)
	}
	return err
}

func ephemerals(ctx context.Context, k *call) error {
	prefix := "/"
	if len(k.args) > 1 {
		prefix = k.args[1]
	}
	var paths []string
	err := k.ask(ctx, prefix, func(ctx context.Context) (err error) {
		paths, err = k.c.Ephemerals(ctx, prefix)
		return err
	})
	if err == nil {
		io.WriteString(k.out, formatList(paths))
	}
	return err
}

func syncPath(ctx context.Context, k *call) error {
	err := k.ask(ctx, k.args[1], func(ctx context.Context) error { return k.c.Sync(ctx, k.args[1]) })
	if r, ok := err.(*refusal); ok {
		fmt.Fprintf(k.out, "Sync has failed. rc=%d\n", int32(r.code))
		return nil
	}
	if err == nil {
		fmt.Fprintln(k.out, "Sync is OK")
	}
	return err
}
