package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// grow applies n random transactions, and reports how many were done.
func grow(tr *Tree, rnd *rand.Rand, n int) (done int) {
	acl := []ACL{{PermAll, "world", "anyone"}}
	for range n {
		path := fmt.Sprintf("/n%d", rnd.IntN(3000))
		var op Op
		switch rnd.IntN(5) {
		case 0:
			op = Create{Path: path, ACL: acl, Mode: Ephemeral}
		case 1:
			op = Create{Path: path, ACL: acl, Data: make([]byte, rnd.IntN(300))}
		case 2:
			op = SetData{Path: path, Data: []byte(path), Version: -1}
		case 3:
			op = Delete{Path: path, Version: -1}
		case 4:
			op = Multi{Ops: []Op{Create{Path: path + "/x", ACL: acl}, SetData{Path: path, Version: -1}}}
		}
		r := tr.Apply(Txn{Zxid: tr.LastZxid() + 1, Session: int64(rnd.IntN(20) + 1), Op: op})
		if r.Err == nil {
			done++
		}
	}
	return done
}

// TestSnapshotIsTheTreeAtItsCapture lets the tree move on while the snapshot is
// written, by a writer that is slow at random.
func TestSnapshotIsTheTreeAtItsCapture(t *testing.T) {
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		tr := New()
		grow(tr, rnd, 5000)
		want := snapshotOf(t, tr)

		var got bytes.Buffer
		var err error
		var wg sync.WaitGroup
		c := tr.Capture()
		gate := make(chan struct{})
		wg.Go(func() { _, err = c.WriteTo(&gatedWriter{w: &got, gate: gate}) })
		for range 40 {
			grow(tr, rnd, 100)
			select {
			case gate <- struct{}{}:
			default:
			}
		}
		close(gate)
		grow(tr, rnd, 5000)
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("seed %d: the snapshot is not the tree at its capture", seed)
		}
		checkInvariants(t, tr)
		if _, err := Read(&got); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// A gatedWriter waits at every 32nd write until the test lets it go on.
type gatedWriter struct {
	w      io.Writer
	gate   chan struct{}
	writes int
}

func (g *gatedWriter) Write(b []byte) (int, error) {
	if g.writes++; g.writes%32 == 0 {
		<-g.gate
	}
	return g.w.Write(b)
}

// TestCaptureNeverWritten: the next one is right all the same, and so is the
// first should it be written after all.
func TestCaptureNeverWritten(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	tr := New()
	grow(tr, rnd, 1000)
	wantFirst := snapshotOf(t, tr)
	first := tr.Capture()
	grow(tr, rnd, 100)
	second := tr.Capture()
	grow(tr, rnd, 1000)
	var a, b bytes.Buffer
	if _, err := first.WriteTo(&a); err != nil {
		t.Fatal(err)
	}
	if _, err := second.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), wantFirst) {
		t.Error("the first snapshot is not the tree at its capture")
	}
	if _, err := Read(&b); err != nil {
		t.Error(err)
	}
	if _, err := first.WriteTo(&a); err == nil {
		t.Error("a capture was written twice")
	}
}

// TestSnapshotOntoAFullDisk: the error is told, and the tree goes on without
// copying for a snapshot that will not be.
func TestSnapshotOntoAFullDisk(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 3))
	tr := New()
	grow(tr, rnd, 1000)
	full := errors.New("disk full")
	for room := range 5 {
		if _, err := tr.Capture().WriteTo(&fullDisk{room: room, err: full}); !errors.Is(err, full) {
			t.Errorf("room for %d writes: error = %v", room, err)
		}
		grow(tr, rnd, 10)
		if tr.capture != nil {
			t.Error("the tree still copies")
		}
	}
	reread(t, tr)
}

// TestDiscardedCaptureCostsNothing: it pins no znode that is replaced, and the
// next capture copies nothing for it.
func TestDiscardedCaptureCostsNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 4))
	tr := New()
	grow(tr, rnd, 1000)
	c := tr.Capture()
	grow(tr, rnd, 10)
	c.Discard()
	taken := func() (shards int) {
		for i := range c.shards {
			if c.shards[i].taken.Load() {
				shards++
			}
		}
		return shards
	}
	before := taken()
	grow(tr, rnd, 100)
	if tr.capture != nil {
		t.Error("the tree still copies")
	}
	if _, err := tr.Capture().WriteTo(io.Discard); err != nil {
		t.Error(err)
	}
	if after := taken(); after != before {
		t.Errorf("%d shards were copied for it, %d of them after it was given up", after, after-before)
	}
	if _, err := c.WriteTo(io.Discard); err == nil {
		t.Error("it was written all the same")
	}
	reread(t, tr)
}

type fullDisk struct {
	room int
	err  error
}

func (f *fullDisk) Write(b []byte) (int, error) {
	if f.room == 0 {
		return 0, f.err
	}
	f.room--
	return len(b), nil
}
