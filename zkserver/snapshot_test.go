package zkserver

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
)

// TestSnapshotOfTheFirstVersionGetsItsQuotasCounted: to that version quota stats
// were data like any other.
func TestSnapshotOfTheFirstVersionGetsItsQuotasCounted(t *testing.T) {
	const stats = "/zookeeper/quota/a/zookeeper_stats"
	old := content{tree: tree.New(), sessions: session.NewTable(nil)}
	for i, op := range []tree.Op{
		tree.Create{Path: "/a", Data: []byte("123"), ACL: openACL},
		tree.Create{Path: "/zookeeper/quota/a", ACL: openACL},
		tree.Create{Path: stats, ACL: openACL},
		tree.Create{Path: "/zookeeper/quota/a/zookeeper_limits", Data: []byte("count=9"), ACL: openACL},
		tree.SetData{Path: stats, Data: []byte("count=77,bytes=88"), Version: -1},
	} {
		if r := old.tree.Apply(tree.Txn{Zxid: int64(i + 1), Op: op}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	var b bytes.Buffer
	if _, err := old.capture().WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[byte]string{1: "count=1,bytes=3", 2: "count=77,bytes=88"} {
		b.Bytes()[0] = version
		back, err := readContent(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		if data, _, _ := back.tree.Get(stats, nil); string(data) != want {
			t.Errorf("version %d: stats are %s, want %s", version, data, want)
		}
	}
}

// TestSnapshotThatIsNotWrittenIsGivenUp: whatever stands between the log and the
// tree, the tree hears of it when nothing more will be read from its capture.
func TestSnapshotThatIsNotWrittenIsGivenUp(t *testing.T) {
	for name, give := range map[string]func(c io.WriterTo){
		"file not made":     func(c io.WriterTo) { c.(interface{ Discard() }).Discard() },
		"no room for heads": func(c io.WriterTo) { c.WriteTo(noRoom{}) },
	} {
		c := timedMachine{newRig(t).replica, new(stats), new(atomic.Bool)}.Capture()
		give(c)
		if _, err := c.(timedCapture).tree.WriteTo(io.Discard); err == nil {
			t.Errorf("%s: the tree still copies", name)
		}
	}
}

type noRoom struct{}

func (noRoom) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestABadEndOfASnapshotChangesNothing: that it was damaged may come to light
// when all of the state was read.
func TestABadEndOfASnapshotChangesNothing(t *testing.T) {
	other := tree.New()
	other.Apply(tree.Txn{Zxid: 1, Op: tree.Create{Path: "/other", ACL: openACL}})
	var b bytes.Buffer
	if _, err := (content{tree: other, sessions: session.NewTable(nil)}).capture().WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	damage := errors.New("damaged")
	for name, end := range map[string]io.Reader{
		"damage": iotest.ErrReader(damage),
		"more":   strings.NewReader("?"),
		"none":   strings.NewReader(""),
	} {
		r := newRig(t).replica
		err := r.Restore(io.MultiReader(bytes.NewReader(b.Bytes()), end))
		_, missing := r.tree.Exists("/other")
		if good := name == "none"; (err == nil) != good || (missing == nil) != good || name == "damage" && !errors.Is(err, damage) {
			t.Errorf("%s: restored with error %v; state replaced: %v", name, err, missing == nil)
		}
	}
}
