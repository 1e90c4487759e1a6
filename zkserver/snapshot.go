package zkserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/watch"
)

const (
	snapshotVersion = 2
	snapshotNoQuota = 1 // the version whose quota stats were data like any other
	snapshotHead    = 1 + 1 + 8 + 8
)

// A capture is the state at one moment, on its way to a snapshot file.
type capture struct {
	head     []byte // doc.go has the bytes
	sessions session.Capture
	tree     *tree.Capture
}

// Capture begins a snapshot. The tree is copied bit by bit while it goes on.
func (r *replica) Capture() io.WriterTo { return r.capture() }

func (r *replica) capture() capture {
	r.mu.Lock()
	defer r.mu.Unlock()
	return content{keyed: r.keyed, term: r.term, zxid: r.zxid, sessions: r.sessions, tree: r.tree}.capture()
}

func (c capture) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(c.sessions.Append(c.head))
	if err != nil {
		c.Discard()
		return int64(n), err
	}
	m, err := c.tree.WriteTo(w)
	return int64(n) + m, err
}

// Discard gives the snapshot up.
func (c capture) Discard() { c.tree.Discard() }

// Restore replaces the state by a snapshot. Connections of this member end:
// what their watches saw and what their requests came to is not known. After an
// error nothing has changed.
func (r *replica) Restore(src io.Reader) error {
	c, err := readContent(src)
	if err != nil {
		return err
	}
	if n, err := io.ReadFull(src, make([]byte, 1)); n > 0 {
		return errors.New("read snapshot: it goes on behind its end")
	} else if err != io.EOF { // whoever reads finds only now that all was good
		return fmt.Errorf("read snapshot: %w", err)
	}
	r.mu.Lock()
	if r.origins != nil { // else this is the start
		r.origin = r.origins()
	}
	if c.keyed {
		r.setKeyed()
	}
	r.term, r.zxid = c.term, c.zxid
	r.sessions, r.tree, r.watches = c.sessions, c.tree, watch.NewTable()
	r.live.end()
	clear(r.openers)
	clear(r.openedBy)
	for _, c := range r.conns {
		r.doomed = append(r.doomed, doom{c, errRestored})
	}
	r.mu.Unlock()
	r.wake()
	return nil
}

// A content is what a snapshot holds.
type content struct {
	keyed    bool // the sessions have their secret
	term     uint64
	zxid     int64
	sessions *session.Table
	tree     *tree.Tree
}

// readContent reads a snapshot, and nothing beyond it.
func readContent(src io.Reader) (content, error) {
	var head [snapshotHead]byte
	if _, err := io.ReadFull(src, head[:]); err != nil {
		return content{}, fmt.Errorf("read snapshot: %w", err)
	}
	if head[0] != snapshotVersion && head[0] != snapshotNoQuota {
		return content{}, fmt.Errorf("read snapshot: version %d, this program knows %d", head[0], snapshotVersion)
	}
	c := content{
		keyed: head[1] != 0,
		term:  binary.BigEndian.Uint64(head[2:]),
		zxid:  int64(binary.BigEndian.Uint64(head[10:])),
	}
	var err error
	if c.sessions, err = session.ReadTable(src); err != nil {
		return content{}, fmt.Errorf("read snapshot: %w", err)
	}
	if c.tree, err = tree.Read(src); err != nil {
		return content{}, fmt.Errorf("read snapshot: %w", err)
	}
	if head[0] == snapshotNoQuota {
		c.tree.RecountQuotas()
	}
	return c, nil
}

// capture begins a snapshot of the content.
func (c content) capture() capture {
	b := make([]byte, 0, snapshotHead)
	b = append(b, snapshotVersion, 0)
	if c.keyed {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, c.term)
	b = binary.BigEndian.AppendUint64(b, uint64(c.zxid))
	return capture{head: b, sessions: c.sessions.Capture(), tree: c.tree.Capture()}
}
