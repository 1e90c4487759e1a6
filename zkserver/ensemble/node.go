// Package ensemble replicates batches of commands with etcd's raft library.
package ensemble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/wal"
)

// Machine is the state machine that committed batches are applied to. Apply
// and Capture are called from one goroutine, in the order of the log.
type Machine interface {
	// Apply applies one batch. It is also called, with no commands, at the
	// first entry of each term.
	Apply(b Batch)

	// Capture begins a snapshot of the state as it is now. Apply waits for it,
	// so it must be cheap. WriteTo is then called on another goroutine while
	// Apply goes on; no other Capture is made before it has returned.
	Capture() io.WriterTo

	// Restore replaces the state by a snapshot. It is called before the first
	// Apply, if at all, from the goroutine of Open. It need not read on to the
	// end of file.
	Restore(r io.Reader) error
}

// Config says how to run a Node. The zero value of a field means its default.
type Config struct {
	// Dir is the data directory. It is made if it is not there.
	Dir string

	// Machine is the state that the log describes. It must be empty.
	Machine Machine

	// Log gets a line per change of term, recovery and trouble.
	Log zerolog.Logger

	// SegmentBytes is the size of a segment of the log. Two are allocated
	// ahead. Default: 16 MiB.
	SegmentBytes int64

	// SnapshotBytes is how much log is written between snapshots, at most, or
	// as much as the last snapshot had if that is more. Default: 256 MiB.
	SnapshotBytes int64

	// SnapshotEntries is how many batches there are between snapshots, at
	// most. Default: 500,000.
	SnapshotEntries int64

	// BacklogBytes is how much may wait to be proposed before Propose blocks.
	// Default: 16 MiB.
	BacklogBytes int

	// FS is the file system. Default: that of the machine.
	FS wal.FS
}

func (c Config) withDefaults() (Config, error) {
	if c.Machine == nil {
		return c, errors.New("ensemble: no machine")
	}
	if c.Dir == "" {
		return c, errors.New("ensemble: no data directory")
	}
	c.FS = cmp.Or(c.FS, wal.OS)
	c.SnapshotBytes = cmp.Or(c.SnapshotBytes, 256<<20)
	c.SnapshotEntries = cmp.Or(c.SnapshotEntries, 500_000)
	c.BacklogBytes = cmp.Or(c.BacklogBytes, 16<<20)
	return c, nil
}

// These errors end a Node.
var (
	// ErrDisk says that a write or sync failed. The process must end: what the
	// disk holds is known again only after recovery.
	ErrDisk = errors.New("ensemble: disk failed")

	// ErrStopped says that Run has returned or Close was called.
	ErrStopped = errors.New("ensemble: stopped")
)

// These errors answer one proposal. It was not made, now or later.
var (
	// ErrDiskFull says that there is no room for the log to grow. It goes away
	// when there is room again.
	ErrDiskFull = errors.New("ensemble: disk full")

	// ErrTooLarge says that a command is larger than the log takes.
	ErrTooLarge = errors.New("ensemble: command too large")
)

// recentBytes is how much of the newest log is kept in memory.
const recentBytes = 16 << 20

// Node is one member of the ensemble. Its methods may be called from any
// goroutine.
type Node struct {
	cfg     Config
	wal     *wal.Log
	storage *storage
	origin  uint64
	backlog *backlog
	reads   *reads
	loop    *loop
	append  *appender
	apply   *applier
	snaps   *snapshots

	ready   chan struct{}
	stopped chan struct{} // closed when nothing will be done any more

	mu     sync.Mutex // protects the fields below
	cancel context.CancelCauseFunc
	ran    chan struct{} // closed when Run has returned; nil before Run
	closed bool
}

// Open takes the data directory, restores the newest snapshot into the
// machine and reads the log. What the log has beyond the snapshot is applied
// by Run. The error is one clear line.
func Open(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	log, err := wal.Open(wal.Options{
		Dir: cfg.Dir, FS: cfg.FS, SegmentBytes: cfg.SegmentBytes,
		Identity: func() []byte { return newIdentity().encode() },
	})
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, wal: log, origin: rand.Uint64(),
		backlog: newBacklog(cfg.BacklogBytes), reads: newReads(),
		ready: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return n, nil
}

func (n *Node) open() error {
	n.logRecovery(n.wal.Recovered())
	id, err := decodeIdentity(n.wal.Identity())
	if err != nil {
		return err
	}
	if _, last := n.wal.Bounds(); last == 0 {
		if err := n.wal.Reset(wal.HardState{Term: bootstrapTerm, Commit: bootstrapIndex}, bootstrapIndex, bootstrapTerm); err != nil {
			return err
		}
	}
	n.storage = &storage{log: n.wal, recent: ring{limit: recentBytes}}
	start, conf, err := n.restore(id.conf())
	if err != nil {
		return err
	}
	return n.assemble(id, start, conf)
}

// assemble makes raft and the threads around it, at the position of the
// machine.
func (n *Node) assemble(id identity, start position, conf *pb.ConfState) error {
	hard := n.wal.HardState()
	// What is committed is not synced each time, so a snapshot may know better.
	commit := max(hard.Commit, start.index)
	n.storage.conf = conf
	n.storage.initial = &pb.HardState{Term: new(hard.Term), Vote: new(hard.Vote), Commit: new(commit)}

	rn, err := raft.NewRawNode(&raft.Config{
		ID:                        id.member,
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		Storage:                   n.storage,
		Applied:                   start.index,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             1 << 20,
		MaxCommittedSizePerReady:  8 << 20,
		MaxUncommittedEntriesSize: 64 << 20,
		MaxInflightMsgs:           256,
		MaxInflightBytes:          64 << 20,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
		Logger:                    raftLogger{n.cfg.Log},
	})
	if err != nil {
		return fmt.Errorf("ensemble: start raft: %w", err)
	}
	n.loop = &loop{
		raft: rn, in: newMailbox(), append: newMailbox(), apply: newMailbox(),
		backlog: n.backlog, reads: n.reads, log: n.cfg.Log,
		single: slices.Equal(conf.GetVoters(), []uint64{id.member}) && len(conf.GetLearners()) == 0,
		term:   hard.Term,
	}
	deliver := func(m []*pb.Message) { n.loop.in.put(m...) }
	n.append = &appender{in: n.loop.append, storage: n.storage, deliver: deliver, log: n.cfg.Log, durable: hard, hard: hard}
	n.snaps = newSnapshots(n.storage, n.cfg.SnapshotEntries, n.cfg.SnapshotBytes, n.cfg.Log)
	n.apply = &applier{
		in: n.loop.apply, machine: n.cfg.Machine, deliver: deliver, snapshots: n.snaps, log: n.cfg.Log,
		position: start, startTerm: hard.Term, ready: n.ready,
	}
	return nil
}

func (n *Node) logRecovery(r wal.Recovery) {
	if r.Torn != nil {
		n.cfg.Log.Warn().Str("path", r.Torn.File).Int64("offset", r.Torn.Offset).Int64("bytes", r.Torn.Bytes).Msg("torn tail of the log cut")
	}
	if r.Rewritten != "" {
		n.cfg.Log.Info().Str("path", r.Rewritten).Msg("last segment rewritten after an unclean stop")
	}
}

// Run drives the node until ctx ends, Close is called, or the disk fails; then
// the error is ErrDisk. It may be called once. When it has returned, nothing is
// applied or acknowledged any more.
//
//	raft loop    decides; touches neither disk nor machine
//	append       writes the log, one sync for all that is waiting
//	apply        gives the machine what is committed
//	snapshots    writes what the machine captured, drops old log
//	prepare      allocates the next segment of the log
func (n *Node) Run(ctx context.Context) error {
	ctx, ran, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer close(ran)
	defer close(n.stopped)

	g, threads := errgroup.WithContext(ctx)
	g.Go(func() error { return n.loop.run(threads) })
	g.Go(func() error { return n.append.run(threads) })
	g.Go(func() error { return n.apply.run(threads) })
	g.Go(func() error { return n.snaps.run(threads) })
	g.Go(func() error { return n.prepare(threads) })
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		if errors.Is(err, wal.ErrFailed) {
			err = fmt.Errorf("%w: %w", ErrDisk, err)
		}
		return err
	}
	return context.Cause(ctx)
}

func (n *Node) begin(ctx context.Context) (context.Context, chan struct{}, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.ran != nil {
		return nil, nil, ErrStopped
	}
	n.ran = make(chan struct{})
	ctx, n.cancel = context.WithCancelCause(ctx)
	return ctx, n.ran, nil
}

// prepareRetry is how often a full disk is tried again.
const prepareRetry = time.Second

// prepare has the next segment ready before it is needed. While the disk is
// full it tries again, and Propose refuses.
func (n *Node) prepare(ctx context.Context) error {
	retry := time.NewTicker(prepareRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wal.Wanted():
		case <-retry.C:
			if !n.wal.Full() {
				continue
			}
		}
		was := n.wal.Full()
		err := n.wal.Prepare()
		switch {
		case err == nil && was:
			n.cfg.Log.Info().Msg("disk has room again")
		case errors.Is(err, wal.ErrDiskFull) && !was:
			n.cfg.Log.Error().Err(err).Msg("writes refused: disk full")
		case err != nil && !errors.Is(err, wal.ErrDiskFull):
			return err
		}
	}
}

// Ready is closed once the first entry of a term after the start is applied:
// then the machine is as new as anything that was ever acknowledged.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Origin is the number in the commands of this process, drawn when it
// started. Commands that an earlier process logged have another.
func (n *Node) Origin() uint64 { return n.origin }

// Propose queues a command. It is applied, here and on every member, after
// the commands that the same goroutine proposed before; Apply shows it with
// our Origin and seq when it is on the disk of a majority. data is kept and
// must not be changed any more.
//
// Propose blocks while too much is queued, until ctx ends. ErrDiskFull,
// ErrTooLarge and ErrStopped mean that the command was not queued. After nil
// the command may still be lost if the process ends, or, in an ensemble, if
// the leader changes.
func (n *Node) Propose(ctx context.Context, seq uint64, data []byte) error {
	if n.wal.Full() {
		return ErrDiskFull
	}
	return n.ProposeReserved(ctx, seq, data)
}

// reserveKept is what ProposeReserved leaves of the log's reserve, for what is
// under way.
const reserveKept = 4 << 20

// ProposeReserved is Propose for the few small commands that must be possible
// while the disk is full: it may use the reserve of the log until that is
// nearly gone.
func (n *Node) ProposeReserved(ctx context.Context, seq uint64, data []byte) error {
	if limit := n.wal.MaxEntryBytes() - batchHeader - 2*commandOverhead; int64(len(data)) > limit {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(data), limit)
	}
	if n.wal.Full() && n.wal.Reserve() < reserveKept {
		return ErrDiskFull
	}
	select {
	case <-n.stopped:
		return ErrStopped
	default:
	}
	return n.backlog.add(ctx, n.stopped, Command{Origin: n.origin, Seq: seq, Data: data})
}

// ReadIndex returns when everything that was committed anywhere before the
// call is applied here. Reads after it are linearizable.
func (n *Node) ReadIndex(ctx context.Context) error {
	// A single voter answers raft's question before it has committed anything
	// in its term, so it must be ready first.
	select {
	case <-n.ready:
	case <-n.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return n.reads.wait(ctx, n.stopped)
}

// Close ends Run, waits for it, and lets go of the data directory.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	cancel, ran := n.cancel, n.ran
	n.mu.Unlock()
	if ran != nil {
		cancel(ErrStopped)
		<-ran
	} else {
		close(n.stopped)
	}
	return n.wal.Close()
}
