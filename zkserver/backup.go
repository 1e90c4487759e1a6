package zkserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
)

// The format of a backup is in the package doc.
const (
	backupMagic = "mw back\x01" // the last byte is the format's version
	backupHead  = len(backupMagic) + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrBackup says that something is not a backup, or not a whole one.
var ErrBackup = errors.New("zkserver: not a good backup")

// Backup writes the state at one zxid, which is no older than what was
// acknowledged before the call. The server goes on meanwhile; a slow w holds up
// nobody. What was written is a backup only if Backup returns nil.
//
// A member of an ensemble asks the others what was acknowledged, and fails with
// [ErrNoQuorum] when it has not found enough of them for a while.
func (s *Server) Backup(ctx context.Context, w io.Writer) error {
	if !s.cfg.Ensemble.alone() {
		limit, cancel := context.WithTimeoutCause(ctx, quorumTime, ErrNoQuorum)
		defer cancel()
		if err := s.node.ReadIndex(limit); err != nil {
			return fmt.Errorf("zkserver: backup: %w", err)
		}
	}
	return writeBackup(ctx, s.node, w)
}

// quorumTime is longer than any election takes.
const quorumTime = 10 * time.Second

// ErrNoQuorum says that a member does not reach enough others to know what they
// have acknowledged.
var ErrNoQuorum = errors.New("zkserver: more than half of the members must be reached; of a member that is stopped, a backup has what that one knows")

func writeBackup(ctx context.Context, n *ensemble.Node, w io.Writer) error {
	b, err := n.Backup(ctx)
	if err != nil {
		return fmt.Errorf("zkserver: %w", err)
	}
	defer b.Close()
	return sealBackup(ctx, w, b.Time, func(w io.Writer) error {
		_, err := io.Copy(w, b)
		return err
	})
}

// sealBackup writes what is around the state, which fill writes.
func sealBackup(ctx context.Context, w io.Writer, ms int64, fill func(io.Writer) error) error {
	w = writerUntil{ctx, w}
	sum := crc32.New(castagnoli)
	out := io.MultiWriter(w, sum)
	head := binary.BigEndian.AppendUint64([]byte(backupMagic), uint64(ms))
	if _, err := out.Write(head); err != nil {
		return err
	}
	if err := fill(out); err != nil {
		return fmt.Errorf("zkserver: backup: %w", err)
	}
	_, err := w.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// A writerUntil fails when its context ends.
type writerUntil struct {
	ctx context.Context
	w   io.Writer
}

func (w writerUntil) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.w.Write(p)
}

// A Backup is one that was read.
type Backup struct {
	Time time.Time  // of its last transaction, by the server's clock
	Zxid int64      // of its last transaction
	Tree *tree.Tree // must not be changed

	content content
}

// Sessions is how many sessions were alive.
func (b *Backup) Sessions() int { return b.content.sessions.Len() }

// ReadBackup reads a backup whole and checks it throughout. It takes memory for
// all of it. The error wraps [ErrBackup] for one that is damaged.
func ReadBackup(r io.Reader) (*Backup, error) {
	in := summed{r: r, sum: crc32.New(castagnoli)}
	var head [backupHead]byte
	if _, err := io.ReadFull(&in, head[:]); err != nil || !bytes.HasPrefix(head[:], []byte(backupMagic[:len(backupMagic)-1])) {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrBackup)
	}
	if v := head[len(backupMagic)-1]; v != backupMagic[len(backupMagic)-1] {
		return nil, fmt.Errorf("%w: format version %d, this program knows %d", ErrBackup, v, backupMagic[len(backupMagic)-1])
	}
	c, err := readContent(&in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	sum := in.sum.Sum32()
	var foot [4]byte
	if _, err := io.ReadFull(r, foot[:]); err != nil || binary.BigEndian.Uint32(foot[:]) != sum {
		return nil, fmt.Errorf("%w: the checksum at its end is wrong or missing", ErrBackup)
	}
	ms := int64(binary.BigEndian.Uint64(head[len(backupMagic):]))
	return &Backup{Time: time.UnixMilli(ms), Zxid: c.zxid, Tree: c.tree, content: c}, nil
}

type summed struct {
	r   io.Reader
	sum hash.Hash32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	return n, err
}

// Restore makes a data directory in which a server goes on from the backup, its
// sessions included: those whose clients do not come back expire. dir must be
// empty, but for lost+found, or not be there; no server starts on half of one.
func (b *Backup) Restore(dir string) error {
	return makeDir(dir, b.Time.UnixMilli(), b.content)
}

// Import makes a data directory in which a server begins with a tree, at its
// last zxid and without sessions, as [Backup.Restore] does. The tree belongs to
// Import from then on.
func Import(dir string, t *tree.Tree) error {
	return makeDir(dir, time.Now().UnixMilli(), content{zxid: t.LastZxid(), sessions: session.NewTable(nil), tree: t})
}

// BackupDir writes a backup of a data directory that no server runs on: the
// state that a server would recover at its start, log and all. Nothing in the
// directory is changed, so that whoever may read it may do this.
func BackupDir(ctx context.Context, dir string, w io.Writer) error {
	if _, err := os.Stat(filepath.Join(dir, "IDENTITY")); err != nil {
		return fmt.Errorf("zkserver: %s is not the data directory of a server: %w", dir, err)
	}
	r := newReplica(1, new(atomic.Int64), func() time.Duration { return 0 })
	ms, err := ensemble.Replay(ctx, ensemble.Config{Dir: dir, Machine: r})
	if err != nil {
		return fmt.Errorf("zkserver: %w", err)
	}
	return sealBackup(ctx, w, ms, func(w io.Writer) error {
		_, err := r.Capture().WriteTo(w)
		return err
	})
}
