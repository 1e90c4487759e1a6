package ensemble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	pb "go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/wal"
)

// Node is one member of the ensemble. Its methods may be called from any
// goroutine.
type Node struct {
	cfg       Config
	wal       *wal.Log
	directory uint64 // number of the data directory
	founded   bool   // it belongs to an ensemble from the start
	asks      bool   // before it takes part in that, it asks the others whether they have one
	backlog   *backlog
	reads     *reads
	net       *inbox
	roster    *roster
	roles     *roles
	tells     *tells
	handOver  *handOver
	hang      *hang
	preparer  preparer // owned by the goroutine that prepares
	early     *early   // the transport, if Open has started it; nil if not

	// Of a member that has yet to find the others, what follows is set when
	// begun is closed.
	begun     chan struct{}
	id        identity
	peers     *peers
	storage   *storage
	loop      *loop
	append    *appender
	apply     *applier
	snaps     *snapshots
	transfers *transfers

	maxCommand int // bytes of data

	ready   chan struct{}
	stopped chan struct{} // closed when nothing will be done any more

	mu     sync.Mutex // protects the fields below
	cancel context.CancelCauseFunc
	ran    chan struct{} // closed when Run has returned; nil before Run
	closed bool
}

// Run drives the node until ctx ends, Close is called, or the disk fails; then
// the error is ErrDisk. A write that does not end for 30 s is a failure, too: it is
// left behind, and the directory with it. Run may be called once. When it has
// returned, nothing is applied or acknowledged any more.
//
//	raft loop    decides; touches neither disk nor machine
//	append       writes the log, one sync for all that is waiting
//	apply        gives the machine what is committed
//	snapshots    writes what the machine captured, drops old log
//	prepare      allocates the next segment of the log
//	transport    carries what members say to each other
//	transfers    sends snapshots to members that lag behind the log
//
// A member that has yet to find the others does that first.
func (n *Node) Run(ctx context.Context) error {
	ctx, ran, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer close(ran)
	defer close(n.stopped)

	g, threads := errgroup.WithContext(ctx)
	start := func(thread func(context.Context) error) {
		g.Go(func() error { return threadError(ctx, thread(threads)) })
	}
	start(n.prepare)
	if n.cfg.Transport != nil {
		start(n.carry)
	}
	start(func(ctx context.Context) error {
		if !n.formed() {
			if err := n.form(ctx); err != nil {
				return err
			}
		}
		start(n.loop.run)
		start(n.append.run)
		start(n.apply.run)
		start(n.snaps.run)
		start(n.transfers.run)
		return nil
	})
	end := func() error {
		err := g.Wait()
		if n.formed() {
			n.snaps.dropPart()
		}
		return err
	}
	if err := n.hang.wait(threads, n.cancel, end); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// threadError says what a thread's error means for the node: when ctx has ended
// nothing, unless the disk failed.
func threadError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrDisk):
		return err
	case errors.Is(err, wal.ErrFailed):
		return fmt.Errorf("%w: %w", ErrDisk, err)
	case ctx.Err() != nil:
		return nil
	}
	return err
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

// Ready is closed once the machine is as new as anything that was acknowledged
// before the start: an only voter has applied the first entry of its term, one
// of several has had an answer of the leader's.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Origin is the number in the commands that are proposed now. It is drawn when
// the process starts, and again before the machine is given the snapshot of
// another member. Commands of before have another.
func (n *Node) Origin() uint64 { return n.backlog.number() }

// Propose queues a command. It is applied, here and on every member, after
// the commands that the same goroutine proposed before; Apply shows it with
// our Origin and seq when it is on the disk of a majority. data is kept and
// must not be changed any more.
//
// Propose blocks while too much is queued, until ctx ends. ErrDiskFull,
// ErrTooLarge and ErrStopped mean that the command was not queued. After nil
// the command may still be lost if the process ends, or if the machine is given
// a snapshot of another member. A change of leader loses none: what the old one
// has not got through is proposed again, in order, and nothing twice.
func (n *Node) Propose(ctx context.Context, seq uint64, data []byte) error {
	return n.Offer(ctx, Proposal{Seq: seq, Data: data})
}

// A Proposal is a command that is to be applied.
type Proposal struct {
	Seq  uint64
	Data []byte // kept, and must not be changed any more

	// Origin, if it is not 0, must be what the method Origin gives at the
	// moment the command is queued, or it is not, and the error is ErrForgotten.
	// So nothing is proposed behind commands that have been forgotten.
	Origin uint64

	// Reserved is for the few small commands that must be possible while the
	// disk is full: it may use the reserve of the log until that is nearly gone.
	Reserved bool

	// Version is the first in which members know such a command. While not all of
	// them speak it the error is ErrVersion. Default: 1.
	Version uint8
}

// Offer is Propose, with all that can be said about a command.
func (n *Node) Offer(ctx context.Context, p Proposal) error {
	if len(p.Data) > n.maxCommand {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(p.Data), n.maxCommand)
	}
	if p.Version > n.Version() {
		return fmt.Errorf("%w: command of version %d, they write %d", ErrVersion, p.Version, n.Version())
	}
	if room := n.room(); room == empty || room == full && !p.Reserved {
		return ErrDiskFull
	}
	select {
	case <-n.stopped:
		return ErrStopped
	default:
	}
	return n.backlog.add(ctx, n.stopped, p)
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
		n.early.stop()
	}
	return n.hang.close(n.wal.Close)
}

// ReceiveRaft implements Receiver.
func (n *Node) ReceiveRaft(from Credentials, m *pb.Message) {
	if n.trusts(from) && m.GetFrom() == from.Member && fromPeer(m.GetType()) && m.GetTo() == n.peers.self {
		n.peers.learn(m.GetFrom(), from.Number)
		n.net.put(received{from: from.Number, message: m})
	}
}

// ReceiveFrame implements Receiver.
func (n *Node) ReceiveFrame(from Credentials, frame []byte) {
	if n.loads(frame) {
		if n.asks {
			n.net.put(received{from: from.Number, frame: frame})
		}
		n.cfg.Transport.SendFrame(from.Number, appendFrame(frameWait, binary.BigEndian.Uint64(frame[1:]), 0))
	} else if n.hears(from, frame) {
		n.net.put(received{from: from.Number, frame: frame})
	}
}

// ReceiveGone implements Receiver.
func (n *Node) ReceiveGone(from int) {
	if n.formed() {
		n.net.put(received{from: from, gone: true})
	}
}

// ReceiveReached implements Receiver.
func (n *Node) ReceiveReached(from int) {
	if n.formed() {
		n.net.put(received{from: from, reached: true})
	}
}
