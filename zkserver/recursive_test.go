package zkserver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// events returns what has come to a client up to now.
func (c *client) events() (all []wire.WatcherEvent) {
	c.t.Helper()
	c.write(frame(&wire.RequestHeader{Xid: wire.XidPing, Op: wire.OpPing}))
	for {
		b := c.frame()
		d := wire.NewDecoder(b)
		var h wire.ReplyHeader
		if h.Decode(&d); h.Xid == wire.XidPing {
			return all
		}
		var e wire.WatcherEvent
		e.Decode(&d)
		if d.Err() != nil || h.Xid != wire.XidWatch {
			c.t.Fatalf("frame %x", b)
		}
		all = append(all, e)
	}
}

// TestRecursiveWatchHearsWhatApacheHears has the events that Apache ZooKeeper
// 3.8.0 sends, paths with a slash at the end among them.
func TestRecursiveWatchHearsWhatApacheHears(t *testing.T) {
	create := func(path string, flags int32) func(*client) {
		return func(c *client) {
			c.do(wire.OpCreate, &wire.CreateRequest{Path: path, ACL: openACL, Flags: flags}, nil)
		}
	}
	set := func(path string) func(*client) { return func(c *client) { c.set(path, "x") } }
	add := func(path string, mode int32) func(*client) {
		return func(c *client) { c.do(wire.OpAddWatch, &wire.AddWatchRequest{Path: path, Mode: mode}, nil) }
	}
	remove := func(path string) func(*client) {
		return func(c *client) {
			c.do(wire.OpRemoveWatches, &wire.RemoveWatchesRequest{Path: path, Type: wire.WatchAny}, nil)
		}
	}
	read := func(op wire.Op, path string) func(*client) {
		return func(c *client) { c.do(op, &wire.PathWatchRequest{Path: path, Watch: true}, nil) }
	}
	created, changed, children := wire.EventCreated, wire.EventDataChanged, wire.EventChildrenChanged
	type heard struct {
		Type wire.EventType
		Path string
	}
	steps := []struct {
		name  string
		watch []func(*client) // by the one who watches
		do    func(*client)   // by the other
		want  []heard
	}{
		{name: "no parent", watch: []func(*client){add("/w", 1)}, do: create("/w/q/", wire.FlagSequential)},
		{name: "sequential without a name", do: create("/w/", wire.FlagSequential), want: []heard{{created, "/w/0000000000"}}},
		{name: "child", do: create("/w/a", 0), want: []heard{{created, "/w/a"}}},
		{name: "watch with a slash behind", watch: []func(*client){add("/w/a/", 1)}, do: create("/w/a/x", 0), want: []heard{{created, "/w/a/x"}}},
		{name: "sequential below it", do: create("/w/a/", wire.FlagSequential), want: []heard{{created, "/w/a/0000000001"}}},
		{name: "exists watch with a slash behind", watch: []func(*client){read(wire.OpExists, "/w/a/")}, do: set("/w/a"), want: []heard{{changed, "/w/a"}}},
		{name: "only the slash is watched", watch: []func(*client){remove("/w"), add("/w/", 1)}, do: create("/w/b", 0)},
		{name: "the root", watch: []func(*client){remove("/w/"), add("/", 1)}, do: create("/w/c", 0), want: []heard{{created, "/w/c"}}},
		{name: "the empty path", watch: []func(*client){remove("/"), add("", 1)}, do: create("/w/d", 0)},
		{name: "persistent with a slash behind", watch: []func(*client){remove(""), add("/w/", 0)}, do: create("/w/e", 0)},
		{name: "two above each other", watch: []func(*client){add("/", 1), add("/w", 1)}, do: create("/w/f", 0), want: []heard{{created, "/w/f"}}},
		{name: "a data watch in place of one", watch: []func(*client){read(wire.OpGetData, "/w")}, do: set("/w"), want: []heard{{changed, "/w"}}},
		{name: "and the root's still", do: set("/w"), want: []heard{{changed, "/w"}}},
		{name: "a child watch beside", watch: []func(*client){read(wire.OpGetChildren, "/w")}, do: create("/w/g", 0),
			want: []heard{{created, "/w/g"}, {children, "/w"}}},
	}
	s := zktest.NewServer(t)
	c, other := connect(t, s), connect(t, s)
	other.create("/w", "", 0)
	for _, step := range steps {
		for _, watch := range step.watch {
			watch(c)
		}
		step.do(other)
		var got []heard
		for _, e := range c.events() {
			got = append(got, heard{e.Type, e.Path})
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
