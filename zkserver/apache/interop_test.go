package apache_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/apache"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// roundTripZnodes is how large the tree is that goes over and back. By hand:
// 100,000.
var roundTripZnodes = flag.Int("apache.znodes", 20_000, "znodes of the tree that goes over and back")

// A shown is what a client sees of a znode.
type shown struct {
	Data string
	ACL  []wire.ACL
	Stat wire.Stat
}

// TestInteropATreeComesFromApacheZooKeeperAndGoesBack makes a tree there,
// imports its files while it runs, compares all that clients see, exports it to
// a new Apache ZooKeeper, and compares again.
func TestInteropATreeComesFromApacheZooKeeperAndGoesBack(t *testing.T) {
	reference.Need(t)
	from := t.TempDir()
	first := reference.Start(t, "dataDir="+from, "snapCount=20000")
	c := dialed(t, first.Addr())
	grow(t, c)
	want := survey(t, c)
	if len(want) < *roundTripZnodes {
		t.Fatalf("%d znodes, want %d", len(want), *roundTripZnodes)
	}

	state, err := apache.Read(from, "")
	if err != nil {
		t.Fatal(err)
	}
	if n := state.DropEphemerals(); n != 1 {
		t.Errorf("%d ephemerals left out, want 1", n)
	}
	tree, err := state.Tree()
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(t.TempDir(), "ours")
	if err := zkserver.Import(ours, tree); err != nil {
		t.Fatal(err)
	}
	server := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Dir = ours })
	here := dialed(t, server.Addr())
	compare(t, "imported", survey(t, here), want)
	goOn(t, here)

	state, err = apache.Read(from, "")
	if err != nil {
		t.Fatal(err)
	}
	state.DropEphemerals()
	if tree, err = state.Tree(); err != nil {
		t.Fatal(err)
	}
	back := t.TempDir()
	if _, err := apache.Write(back, apache.FromTree(tree, tree.LastZxid())); err != nil {
		t.Fatal(err)
	}
	second := reference.Start(t, "dataDir="+back)
	there := dialed(t, second.Addr())
	compare(t, "exported", survey(t, there), want)
	goOn(t, there)
}

func dialed(t *testing.T, addr string) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{Servers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.AddAuth(t.Context(), "digest", []byte("u:p")); err != nil {
		t.Fatal(err)
	}
	return c
}

// grow makes a tree with every kind of znode, ACL and counter.
func grow(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	mine := []wire.ACL{{Perms: wire.PermAll, Scheme: "auth"}, {Perms: wire.PermRead, Scheme: "world", ID: "anyone"}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for dir := range *roundTripZnodes / 1000 {
		path := fmt.Sprintf("/d%03d", dir)
		acl := client.OpenACL
		if dir%3 == 0 {
			acl = mine
		}
		_, err := c.Create(ctx, path, nil, wire.FlagPersistent, acl)
		must(err)
		for batch := range 10 {
			var ops []wire.MultiOp
			for i := range 100 {
				flags, name := int32(wire.FlagPersistent), fmt.Sprintf("%s/n%04d", path, batch*100+i)
				if i%2 == 0 {
					flags, name = wire.FlagSequential, path+"/s-"
				}
				ops = append(ops, wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{
					Path: name, Data: []byte(name), ACL: acl, Flags: flags}})
			}
			_, err := c.Multi(ctx, ops...)
			must(err)
		}
		must(c.Delete(ctx, fmt.Sprintf("%s/n%04d", path, 1), -1))
		_, err = c.Set(ctx, fmt.Sprintf("%s/n%04d", path, 3), []byte("again"), 0)
		must(err)
		_, err = c.SetACL(ctx, fmt.Sprintf("%s/n%04d", path, 5), mine, 0)
		must(err)
	}
	for i := range 200 { // as many as were deleted
		_, err := c.Create(ctx, fmt.Sprintf("/x%d", i), []byte{}, wire.FlagPersistent, client.OpenACL)
		must(err)
	}
	_, _, err := c.CreateContainer(ctx, "/container", nil, client.OpenACL)
	must(err)
	_, _, err = c.CreateTTL(ctx, "/ttl", nil, 5, client.OpenACL, 1e9)
	must(err)
	_, err = c.Create(ctx, "/x0/ephemeral", nil, wire.FlagEphemeral, client.OpenACL)
	must(err)
}

// goOn checks that sequences go on where they were.
func goOn(t *testing.T, c *client.Client) {
	t.Helper()
	for _, dir := range []string{"/d000", "/d010"} {
		got, err := c.Create(t.Context(), dir+"/s-", nil, wire.FlagSequential, client.OpenACL)
		if want := dir + "/s-0000001000"; err != nil || got != want {
			t.Errorf("the sequence goes on with %q, %v, want %q", got, err, want)
		}
	}
}

// survey reads the whole tree but for what the servers keep for themselves and
// the ephemeral znode, which does not come along.
func survey(t *testing.T, c *client.Client) map[string]shown {
	t.Helper()
	paths := []string{"/"}
	list := func(dir, prefix string) {
		names, _, err := c.Children(t.Context(), dir, false)
		if err != nil {
			t.Fatalf("children of %s: %v", dir, err)
		}
		for _, name := range names {
			paths = append(paths, prefix+name)
		}
	}
	list("/", "/")
	paths = slices.DeleteFunc(paths, func(path string) bool { return path == "/zookeeper" || path == "/x0" })
	for _, dir := range paths {
		if strings.HasPrefix(dir, "/d") {
			list(dir, dir+"/")
		}
	}
	all := make(map[string]shown, len(paths))
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(64)
	for _, path := range paths {
		g.Go(func() error {
			data, stat, err := c.Get(t.Context(), path, false)
			if err != nil {
				return fmt.Errorf("get %s: %w", path, err)
			}
			z := shown{Data: string(data), Stat: stat}
			if z.ACL, _, err = c.GetACL(t.Context(), path); err != nil {
				return fmt.Errorf("ACL of %s: %w", path, err)
			}
			mu.Lock()
			defer mu.Unlock()
			all[path] = z
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

func compare(t *testing.T, what string, got, want map[string]shown) {
	t.Helper()
	wrong := 0
	for path, w := range want {
		if diff := cmp.Diff(w, got[path]); diff != "" {
			if wrong++; wrong <= 3 {
				t.Errorf("%s: %s (-want +got):\n%s", what, path, diff)
			}
		}
	}
	if len(got) != len(want) || wrong > 0 {
		t.Errorf("%s: %d znodes, want %d; %d differ", what, len(got), len(want), wrong)
	}
}
