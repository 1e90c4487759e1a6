package tcp_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

func TestSnapshotArrivesWholeOrNotAtAll(t *testing.T) {
	p := start(t, func(_ int, c *tcp.Config, _ *receiver) { c.SnapshotRate = 1 << 40 })
	data := make([]byte, 3<<20+17)
	rand.Read(data)
	if err := p.ends[0].SendSnapshot(t.Context(), 2, sends(bytes.NewReader(data))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.got[1].snapshot, data) {
		t.Error("another snapshot came")
	}
	cut := io.MultiReader(bytes.NewReader(data[:1<<20]), failing{})
	if err := p.ends[0].SendSnapshot(t.Context(), 2, sends(cut)); err == nil {
		t.Error("half a snapshot was sent")
	}
	r := p.got[1]
	r.wait(t, "the end of half a snapshot", func() bool { return r.broken != nil })
	r.failWith = errors.New("no room for it")
	if err := p.ends[0].SendSnapshot(t.Context(), 2, sends(bytes.NewReader(data))); err == nil || !strings.Contains(err.Error(), "no room for it") {
		t.Errorf("error is %v", err)
	}
	if err := p.ends[0].SendSnapshot(t.Context(), 9, sends(bytes.NewReader(data))); err == nil {
		t.Error("sent to nobody")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk") }
