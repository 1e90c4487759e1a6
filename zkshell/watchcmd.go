package zkshell

import (
	"context"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

func addWatch(ctx context.Context, k *call) error {
	if len(k.args) != 2 {
		return k.cmd.usageError()
	}
	mode := wire.AddPersistentRecursive
	if k.has("m") {
		switch strings.ToUpper(k.values["m"]) {
		case "PERSISTENT":
			mode = wire.AddPersistent
		case "PERSISTENT_RECURSIVE":
		default:
			return k.cmd.usageError()
		}
	}
	return k.ask(ctx, k.args[1], func(ctx context.Context) error { return k.c.AddWatch(ctx, k.args[1], mode) })
}

func removeWatches(ctx context.Context, k *call) error {
	path, kind := k.args[1], wire.WatchAny
	switch {
	case k.has("c"):
		kind = wire.WatchChildren
	case k.has("d"):
		kind = wire.WatchData
	}
	ours := k.c.Watching(path, kind)
	err := k.ask(ctx, path, func(ctx context.Context) error { return k.c.RemoveWatches(ctx, path, kind) })
	if is(err, wire.ConnectionLoss) && k.has("l") {
		err = nil
		k.c.ForgetWatches(path, kind)
	}
	if err == nil && !ours {
		return &refusal{code: wire.NoWatcher, path: path}
	}
	return err
}
