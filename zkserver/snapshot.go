package zkserver

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/watch"
)

const (
	snapshotVersion = 1
	snapshotHead    = 1 + 1 + 8 + 8
)

// A capture is the state at one moment, on its way to a snapshot file.
type capture struct {
	head     []byte // doc.go has the bytes
	sessions session.Capture
	tree     *tree.Capture
}

// Capture begins a snapshot. The tree is copied bit by bit while it goes on.
func (r *replica) Capture() io.WriterTo {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := make([]byte, 0, snapshotHead)
	b = append(b, snapshotVersion, 0)
	if r.keyed {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, r.term)
	b = binary.BigEndian.AppendUint64(b, uint64(r.zxid))
	return capture{head: b, sessions: r.sessions.Capture(), tree: r.tree.Capture()}
}

func (c capture) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(c.sessions.Append(c.head))
	if err != nil {
		return int64(n), err
	}
	m, err := c.tree.WriteTo(w)
	return int64(n) + m, err
}

// Restore replaces the state by a snapshot. Connections of this member end:
// what their watches saw and what their requests came to is not known.
func (r *replica) Restore(src io.Reader) error {
	var head [snapshotHead]byte
	if _, err := io.ReadFull(src, head[:]); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if head[0] != snapshotVersion {
		return fmt.Errorf("read snapshot: version %d, this program knows %d", head[0], snapshotVersion)
	}
	sessions, err := session.ReadTable(src)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	nodes, err := tree.Read(src)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}

	r.mu.Lock()
	if head[1] != 0 {
		r.setKeyed()
	}
	r.term = binary.BigEndian.Uint64(head[2:])
	r.zxid = int64(binary.BigEndian.Uint64(head[10:]))
	r.sessions, r.tree, r.watches = sessions, nodes, watch.NewTable()
	r.live.reset(sessions)
	clear(r.owners)
	for _, c := range r.conns {
		r.doomed = append(r.doomed, doom{c, errRestored})
	}
	r.mu.Unlock()
	r.wake()
	return nil
}
