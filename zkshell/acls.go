package zkshell

import (
	"context"
	"fmt"
	"io"

	"github.com/mwqueue/mw/zkserver/wire"
)

func getACL(ctx context.Context, k *call) error {
	path := k.args[1]
	var acl []wire.ACL
	var s wire.Stat
	err := k.ask(ctx, path, func(ctx context.Context) (err error) {
		acl, s, err = k.c.GetACL(ctx, path)
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range acl {
		io.WriteString(k.out, formatACL(a))
	}
	if k.has("s") {
		k.stat(s)
	}
	return nil
}

func setACL(ctx context.Context, k *call) error {
	path := k.args[1]
	acl := parseACL(k.args[2], k.err)
	v, err := k.version()
	if err != nil {
		return err
	}
	one := func(path string) (s wire.Stat, err error) {
		if err := checkPath(path); err != nil {
			return s, err
		}
		if len(acl) == 0 {
			return s, &refusal{code: wire.InvalidACL, path: noPath}
		}
		err = k.ask(ctx, path, func(ctx context.Context) (err error) {
			s, err = k.c.SetACL(ctx, path, acl, v)
			return err
		})
		return s, err
	}
	if k.has("R") {
		return k.walk(ctx, path, false, func(path string) error {
			_, err := one(path)
			if r, ok := err.(*refusal); ok {
				io.WriteString(k.out, r.plain()) // no line end: so does zkCli
				return ctx.Err()
			}
			return err
		})
	}
	s, err := one(path)
	if err == nil && k.has("s") {
		k.stat(s)
	}
	return err
}

// addAuth waits for the server's word on the identity. A refusal ends the session.
func addAuth(ctx context.Context, k *call) error {
	var auth []byte
	if len(k.args) > 2 {
		auth = []byte(k.args[2])
	}
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	return refused(k.c.AddAuth(ctx, k.args[1], auth), noPath)
}

func whoAmI(ctx context.Context, k *call) error {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	ids, err := k.c.WhoAmI(ctx)
	if err != nil {
		return refused(err, noPath)
	}
	fmt.Fprintln(k.out, "Auth scheme: User")
	for _, id := range ids {
		fmt.Fprintf(k.out, "%s: %s\n", id.Scheme, id.ID)
	}
	return nil
}
