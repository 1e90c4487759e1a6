package client_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// Every method that is an op, asked of a server.
func TestEveryOpIsAnswered(t *testing.T) {
	c, _ := open(t)
	ctx := t.Context()

	path, err := c.Create(ctx, "/app", []byte("one"), wire.FlagPersistent, client.OpenACL)
	if err != nil || path != "/app" {
		t.Fatalf("create = %q, %v", path, err)
	}
	_, err = c.Create(ctx, "/app", nil, wire.FlagPersistent, client.OpenACL)
	wantCode(t, err, wire.NodeExists)
	if want := "client: create /app: node exists"; err.Error() != want {
		t.Errorf("error = %q, want %q", err, want)
	}
	path, stat, err := c.Create2(ctx, "/app/s-", nil, wire.FlagEphemeralSequential, client.OpenACL)
	if must(t, err); path != "/app/s-0000000000" || stat.EphemeralOwner != c.Session().ID {
		t.Errorf("create2 = %q, %+v", path, stat)
	}
	_, _, err = c.CreateContainer(ctx, "/box", nil, client.OpenACL)
	wantOKOr(t, err, wire.Unimplemented)
	_, _, err = c.CreateTTL(ctx, "/brief", nil, wire.FlagPersistentTTL, client.OpenACL, 60_000)
	wantOKOr(t, err, wire.Unimplemented)

	data, stat, err := c.Get(ctx, "/app", false)
	if must(t, err); string(data) != "one" || stat.NumChildren != 1 {
		t.Errorf("get = %q, %+v", data, stat)
	}
	_, err = c.Set(ctx, "/app", []byte("two"), 0)
	must(t, err)
	_, err = c.Set(ctx, "/app", nil, 0)
	wantCode(t, err, wire.BadVersion)
	stat, err = c.Exists(ctx, "/app", false)
	if must(t, err); stat.Version != 1 {
		t.Errorf("exists = %+v, want version 1", stat)
	}
	names, _, err := c.Children(ctx, "/app", false)
	if must(t, err); !slices.Equal(names, []string{"s-0000000000"}) {
		t.Errorf("children = %q", names)
	}
	n, err := c.AllChildrenNumber(ctx, "/app")
	if must(t, err); n != 1 {
		t.Errorf("all children = %d, want 1", n)
	}
	paths, err := c.Ephemerals(ctx, "/app")
	if must(t, err); !slices.Equal(paths, []string{"/app/s-0000000000"}) {
		t.Errorf("ephemerals = %q", paths)
	}
	must(t, c.Sync(ctx, "/app"))
	wantCode(t, c.Delete(ctx, "/app", -1), wire.NotEmpty)
	must(t, c.Delete(ctx, "/app/s-0000000000", -1))
	_, _, err = c.Reconfig(ctx, wire.ReconfigRequest{CurConfigID: -1})
	if err == nil {
		t.Error("reconfig of a standalone server was done")
	}
}

func wantOKOr(t *testing.T, err error, code wire.Code) {
	t.Helper()
	if err != nil {
		wantCode(t, err, code)
	}
}

func TestACLsFollowTheIdentity(t *testing.T) {
	c, _ := open(t)
	ctx := t.Context()
	must(t, c.AddAuth(ctx, "digest", []byte("ann:secret")))
	acl := []wire.ACL{{Perms: wire.PermAll, Scheme: "auth"}}
	_, err := c.Create(ctx, "/mine", nil, wire.FlagPersistent, acl)
	must(t, err)
	got, _, err := c.GetACL(ctx, "/mine")
	must(t, err)
	if len(got) != 1 || got[0].Scheme != "digest" {
		t.Errorf("acl = %+v, want one of digest", got)
	}
	_, err = c.SetACL(ctx, "/mine", client.OpenACL, 0)
	must(t, err)
	ids, err := c.WhoAmI(ctx)
	must(t, err)
	if !slices.ContainsFunc(ids, func(id wire.ID) bool { return id.Scheme == "digest" }) {
		t.Errorf("who am i = %+v, want a digest", ids)
	}
}

func TestMultiIsAllOrNothing(t *testing.T) {
	c, _ := open(t)
	ctx := t.Context()
	create := func(path string) wire.MultiOp {
		return wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: path, ACL: client.OpenACL}}
	}
	res, err := c.Multi(ctx, create("/a"), create("/a/b"))
	must(t, err)
	want := []wire.MultiResult{
		{Op: wire.OpCreate, Reply: &wire.CreateResponse{Path: "/a"}},
		{Op: wire.OpCreate, Reply: &wire.CreateResponse{Path: "/a/b"}},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("multi (-want +got):\n%s", diff)
	}
	_, err = c.Multi(ctx, create("/c"), create("/a"))
	e, ok := errors.AsType[*client.Error](err)
	if !ok || *e != (client.Error{Op: wire.OpCreate, Path: "/a", Code: wire.NodeExists}) {
		t.Errorf("multi = %v, want that /a exists", err)
	}
	_, err = c.Exists(ctx, "/c", false)
	wantCode(t, err, wire.NoNode)

	res, err = c.MultiRead(ctx,
		wire.MultiOp{Op: wire.OpGetChildren, Request: &wire.PathWatchRequest{Path: "/a"}},
		wire.MultiOp{Op: wire.OpGetData, Request: &wire.PathWatchRequest{Path: "/none"}})
	must(t, err)
	want = []wire.MultiResult{
		{Op: wire.OpGetChildren, Reply: &wire.ChildrenResponse{Children: []string{"b"}}},
		wire.Failed(wire.NoNode),
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("multiRead (-want +got):\n%s", diff)
	}
}

// A chroot is added to what is asked, multis included, and taken off answers and
// events.
func TestChrootIsInvisible(t *testing.T) {
	s := zktest.NewServer(t)
	outer := dial(t, client.Config{Servers: []string{s.Addr()}})
	ctx := t.Context()
	_, err := outer.Create(ctx, "/apps", nil, wire.FlagPersistent, client.OpenACL)
	must(t, err)

	h := new(heard)
	c := dial(t, client.Config{Servers: []string{s.Addr()}, Chroot: "/apps", OnEvent: h.on})
	_, _, err = c.Children(ctx, "/", true)
	must(t, err)
	path, err := c.Create(ctx, "/x", nil, wire.FlagEphemeral, client.OpenACL)
	if must(t, err); path != "/x" {
		t.Errorf("create = %q, want /x", path)
	}
	res, err := c.Multi(ctx, wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: "/y", ACL: client.OpenACL}})
	must(t, err)
	if got := res[0].Reply.(*wire.CreateResponse).Path; got != "/y" {
		t.Errorf("multi created %q, want /y", got)
	}
	paths, err := c.Ephemerals(ctx, "/")
	if must(t, err); !slices.Equal(paths, []string{"/x"}) {
		t.Errorf("ephemerals = %q, want /x", paths)
	}
	names, _, err := outer.Children(ctx, "/apps", false)
	slices.Sort(names)
	if must(t, err); !slices.Equal(names, []string{"x", "y"}) {
		t.Errorf("children of the chroot = %q", names)
	}
	want := []wire.WatcherEvent{none(wire.StateSyncConnected), event(wire.EventChildrenChanged, "/")}
	if diff := cmp.Diff(want, h.wait(t, 2)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
