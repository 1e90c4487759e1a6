package zkshell

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A call is one command on its way: what was typed, and what it may do. Its methods
// that ask the server check the path first and answer with zkCli's errors.
type call struct {
	cmd command
	parsed
	c        *client.Client
	out, err io.Writer
	cfg      Config

	// patience bounds each request, so that a shell without a connection comes back.
	patience time.Duration
}

// newCall takes the words of cmd apart.
func newCall(cmd command, words []string, c *client.Client, cfg Config, out, errs io.Writer) (*call, error) {
	k := &call{cmd: cmd, c: c, cfg: cfg, out: out, err: errs}
	k.patience = max(10*time.Second, 2*c.Session().Timeout)
	k.args = words
	if cmd.raw {
		return k, nil
	}
	var err error
	if k.parsed, err = cmd.opts.parse(words); err != nil {
		return nil, err
	}
	if k.has("?") {
		io.WriteString(k.out, cmd.opts.help(cmd.name+" [options] path"))
	}
	late := cmd.name == "ls" // which looks for its path after the old syntax
	if !late && len(k.args) < cmd.needs {
		return nil, cmd.usageError()
	}
	if err := k.oldSyntax(words); err != nil {
		return nil, err
	}
	if late && len(k.args) < cmd.needs {
		return nil, cmd.usageError()
	}
	return k, nil
}

// oldSyntax takes the word after the path for a watch, as zkCli does, with its
// warning; the version of delete it ignores.
func (k *call) oldSyntax(words []string) error {
	if k.cmd.old == "" || len(k.args) <= 2 {
		return nil
	}
	name := k.cmd.name
	fmt.Fprintf(k.err, "'%s %s' has been deprecated. Please use '%s %s' instead.\n", name, k.cmd.old, name, strings.TrimSuffix(instead(name), " "))
	if name == "delete" {
		return nil
	}
	words = append([]string(nil), words...)
	words[2] = "-w"
	var err error
	k.parsed, err = k.cmd.opts.parse(words)
	if err == nil && len(k.args) < 2 {
		err = k.cmd.usageError()
	}
	return err
}

// instead is the syntax that the warning about an old one names.
func instead(name string) string {
	if name == "ls" {
		return "[-w] path"
	}
	c, _ := find(name)
	return c.usage
}

// ask does one request about path.
func (k *call) ask(ctx context.Context, path string, do func(context.Context) error) error {
	if err := checkPath(path); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	return refused(do(ctx), path)
}

func (k *call) get(ctx context.Context, path string, watch bool) (data []byte, s wire.Stat, err error) {
	err = k.ask(ctx, path, func(ctx context.Context) (err error) {
		data, s, err = k.c.Get(ctx, path, watch)
		return err
	})
	return data, s, err
}

func (k *call) set(ctx context.Context, path string, data []byte, version int32) (s wire.Stat, err error) {
	err = k.ask(ctx, path, func(ctx context.Context) (err error) {
		s, err = k.c.Set(ctx, path, data, version)
		return err
	})
	return s, err
}

func (k *call) exists(ctx context.Context, path string, watch bool) (s wire.Stat, err error) {
	err = k.ask(ctx, path, func(ctx context.Context) (err error) {
		s, err = k.c.Exists(ctx, path, watch)
		return err
	})
	return s, err
}

func (k *call) children(ctx context.Context, path string, watch bool) (names []string, s wire.Stat, err error) {
	err = k.ask(ctx, path, func(ctx context.Context) (err error) {
		names, s, err = k.c.Children(ctx, path, watch)
		return err
	})
	return names, s, err
}

func (k *call) delete(ctx context.Context, path string, version int32) error {
	return k.ask(ctx, path, func(ctx context.Context) error { return k.c.Delete(ctx, path, version) })
}

// make creates a persistent znode that anyone may use.
func (k *call) make(ctx context.Context, path string, data []byte) error {
	return k.ask(ctx, path, func(ctx context.Context) error {
		_, err := k.c.Create(ctx, path, data, wire.FlagPersistent, client.OpenACL)
		return err
	})
}

// stat prints a stat.
func (k *call) stat(s wire.Stat) { io.WriteString(k.out, formatStat(s, k.cfg.Location)) }
