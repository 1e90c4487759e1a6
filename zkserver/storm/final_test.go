package storm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/storm/history"
)

// A znode is all that clients can see of one.
type znode struct {
	data string
	stat zk.Stat
	acl  string
}

// walk reads all that one member holds, past the proxies and after a sync.
func walk(m *member) (map[string]znode, error) {
	conn, events, err := zk.Connect([]string{m.client}, 10*time.Second, zk.WithLogger(quiet{}))
	if err != nil {
		return nil, err
	}
	go func() { // ends with the connection
		for range events {
		}
	}()
	defer conn.Close()
	if _, err := conn.Sync("/"); err != nil {
		return nil, fmt.Errorf("sync %s: %w", m.name, err)
	}
	found := map[string]znode{}
	var look func(path string) error
	look = func(path string) error {
		data, stat, err := conn.Get(path)
		if err != nil {
			return fmt.Errorf("get %s from %s: %w", path, m.name, err)
		}
		acl, _, err := conn.GetACL(path)
		if err != nil {
			return fmt.Errorf("get ACL of %s from %s: %w", path, m.name, err)
		}
		names, _, err := conn.Children(path)
		if err != nil {
			return fmt.Errorf("list %s of %s: %w", path, m.name, err)
		}
		found[path] = znode{string(data), *stat, fmt.Sprint(acl)}
		for _, name := range names {
			if err := look(strings.TrimSuffix(path, "/") + "/" + name); err != nil && !errors.Is(err, zk.ErrNoNode) {
				return err
			}
		}
		return nil
	}
	return found, look("/")
}

// walkAll reads all members at the same time.
func (e *ensemble) walkAll() ([]map[string]znode, error) {
	all := make([]map[string]znode, len(e.members))
	var g errgroup.Group
	for i, m := range e.members {
		g.Go(func() (err error) {
			all[i], err = walk(m)
			return err
		})
	}
	return all, g.Wait()
}

// endure waits until every member serves again and no session of the clients is
// left, wants all members alike, and reads the registers for the last time.
func (e *ensemble) endure(t testing.TB, l *load) {
	t.Helper()
	for _, m := range e.members {
		await(t, 2*time.Minute, m.name+" serves again", func() bool { return m.mode() != "" })
	}
	last := connect(t, &l.rec, "last", nil, e.doors())
	defer last.conn.Close()
	await(t, time.Minute, "no ephemeral znode is left", func() bool {
		o := last.list(ephemerals)
		return o.Code == history.OK && len(o.Names) == 0
	})
	last.conn.Close()

	begin := now()
	trees, err := e.walkAll()
	if err != nil {
		t.Fatal(err)
	}
	end := now()
	for i, tree := range trees {
		for _, d := range differences(trees[0], tree, e.product.alike) {
			t.Errorf("%s and %s differ: %s", e.members[0].name, e.members[i].name, d)
		}
		e.readLast(l, tree, begin, end)
	}
}

// readLast notes what a member holds in the end of all registers there were.
func (e *ensemble) readLast(l *load, tree map[string]znode, begin, end int64) {
	paths := map[string]bool{}
	for _, o := range l.rec.Ops() {
		if strings.HasPrefix(o.Path, registers+"/") {
			paths[o.Path] = true
		}
	}
	for path := range paths {
		o := history.Op{Client: "last", Kind: history.Read, Path: path, Begin: begin, End: end, Code: history.NoNode}
		if z, ok := tree[path]; ok {
			o.Code, o.Value, o.Version, o.Zxid = history.OK, z.data, z.stat.Version, z.stat.Mzxid
		}
		l.rec.Add(o)
	}
}

// differences says where two members hold different things, the first few.
func differences(a, b map[string]znode, alike func(path string) bool) []string {
	var d []string
	both := maps.Clone(a)
	maps.Copy(both, b)
	for _, path := range slices.Sorted(maps.Keys(both)) {
		if a[path] != b[path] && alike(path) && len(d) < 5 {
			d = append(d, fmt.Sprintf("%s: %+v, %+v", path, a[path], b[path]))
		}
	}
	return d
}
