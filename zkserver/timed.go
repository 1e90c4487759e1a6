package zkserver

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal"
)

// timedFS measures how long the disk takes to sync the files of the log and of
// snapshots.
type timedFS struct {
	wal.FS
	stats *stats
	slow  time.Duration // worth a warning
	log   zerolog.Logger
}

// Create and Open are those of the FS.
func (f timedFS) Create(name string) (wal.File, error) {
	file, err := f.FS.Create(name)
	return f.timed(file, name, err)
}

func (f timedFS) Open(name string) (wal.File, error) {
	file, err := f.FS.Open(name)
	return f.timed(file, name, err)
}

func (f timedFS) timed(file wal.File, name string, err error) (wal.File, error) {
	if err != nil {
		return nil, err
	}
	return timedFile{File: file, fs: f, name: name}, nil
}

type timedFile struct {
	wal.File
	fs   timedFS
	name string
}

// Datasync is that of the file.
func (f timedFile) Datasync() error {
	start := time.Now()
	err := f.File.Datasync()
	took := time.Since(start)
	f.fs.stats.fsyncs.add(took)
	if took > f.fs.slow {
		f.fs.stats.slowSyncs.Add(1)
		f.fs.log.Warn().Str("path", f.name).Dur("took", took).Msg("disk is slow to sync")
	}
	return err
}

// timedMachine measures how long snapshots take and, while the server recovers,
// the commands after the snapshot; later, how old commands are when they are
// applied.
type timedMachine struct {
	*replica
	stats      *stats
	recovering *atomic.Bool
}

// Apply is that of the replica.
func (m timedMachine) Apply(b ensemble.Batch) {
	if b.Members != nil {
		m.stats.members.Store(&b.Members)
	}
	if m.recovering.Load() {
		known, start := m.keyed, time.Now()
		m.replica.Apply(b)
		if known { // else it is the first command of a new tree
			m.stats.replay.Add(int64(time.Since(start)))
			m.stats.replayed.Add(int64(len(b.Commands)))
		}
		return
	}
	m.replica.Apply(b)
	m.stats.proposals.add(b.Commands)
	// The leader's clock is not this member's, in an ensemble.
	if age := time.Since(time.UnixMilli(b.Time)); age >= 0 {
		m.stats.propagation.addSome(age, len(b.Commands))
	}
}

// Capture is that of the replica.
func (m timedMachine) Capture() io.WriterTo {
	zxid := m.lastZxid()
	return timedCapture{capture: m.capture(), zxid: zxid, stats: m.stats}
}

// Restore is that of the replica.
func (m timedMachine) Restore(r io.Reader) error {
	start := time.Now()
	err := m.replica.Restore(r)
	if err == nil {
		m.stats.load.add(time.Since(start))
		m.stats.snapshotAt(m.lastZxid(), start)
	}
	return err
}

type timedCapture struct {
	capture
	zxid  int64
	stats *stats
}

// WriteTo is that of the capture.
func (c timedCapture) WriteTo(w io.Writer) (int64, error) {
	start := time.Now()
	n, err := c.capture.WriteTo(w)
	if err == nil {
		c.stats.snapshots.add(time.Since(start))
		c.stats.snapshotAt(c.zxid, start)
	}
	return n, err
}

func (s *stats) snapshotAt(zxid int64, t time.Time) {
	s.snapshotZxid.Store(zxid)
	s.snapshotTime.Store(t.UnixMilli())
}

var _ ensemble.Machine = timedMachine{}
