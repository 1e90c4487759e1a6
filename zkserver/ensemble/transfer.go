package ensemble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/mwqueue/mw/zkserver/wal"
)

// A snapshot goes to a member that lags behind the log as one stream:
//
//	u32 length | raft's message, marshalled | u32 length | meta data of the file | state
//
// The message has the snapshot's index and term and no state. The other member
// writes a file of its own, and gives the message to raft when the file is on
// its disk.
const (
	maxTransferHead = 1 << 20

	// maxTransfers is how many members are sent a snapshot at the same time.
	maxTransfers = 2
)

// transfers are the snapshots that other members need. The raft loop adds to
// them; run sends them.
type transfers struct {
	storage   *storage
	peers     *peers
	net       *inbox // gets the outcome, for raft
	log       zerolog.Logger
	wake      chan struct{}
	slots     chan struct{}
	mu        sync.Mutex // protects waiting
	waiting   []*pb.Message
	transport Transport
}

func newTransfers(s *storage, p *peers, net *inbox, log zerolog.Logger) *transfers {
	return &transfers{storage: s, peers: p, net: net, log: log, wake: make(chan struct{}, 1), slots: make(chan struct{}, maxTransfers), transport: p.transport}
}

// add queues a snapshot for a member. Raft asks for one at a time for each, and
// waits for the outcome.
func (t *transfers) add(m *pb.Message) {
	t.mu.Lock()
	t.waiting = append(slices.DeleteFunc(t.waiting, func(w *pb.Message) bool { return w.GetTo() == m.GetTo() }), m)
	t.mu.Unlock()
	signal(t.wake)
}

func (t *transfers) take() []*pb.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.waiting
	t.waiting = nil
	return taken
}

// run sends snapshots until ctx ends.
func (t *transfers) run(ctx context.Context) error {
	var g errgroup.Group
	defer g.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		}
		for _, m := range t.take() {
			g.Go(func() error {
				select {
				case t.slots <- struct{}{}:
				case <-ctx.Done():
					return nil
				}
				defer func() { <-t.slots }()
				t.done(m, t.send(ctx, m))
				return nil
			})
		}
	}
}

// send sends one snapshot.
func (t *transfers) send(ctx context.Context, m *pb.Message) error {
	to, ok := t.peers.numberOf(m.GetTo())
	if !ok || t.transport == nil {
		return errors.New("no such member")
	}
	r, err := t.open(m)
	if err != nil {
		return err
	}
	defer r.Close()
	return t.transport.SendSnapshot(ctx, to, r)
}

// open gives the stream of a snapshot.
func (t *transfers) open(m *pb.Message) (io.ReadCloser, error) {
	at := m.GetSnapshot().GetMetadata()
	file, err := t.storage.log.OpenSnapshot(wal.SnapshotID{Index: at.GetIndex(), Term: at.GetTerm()})
	if err != nil {
		return nil, err
	}
	message, err := proto.Marshal(m)
	if err != nil {
		file.Close()
		return nil, err
	}
	var head []byte
	for _, part := range [][]byte{message, file.Meta()} {
		head = binary.BigEndian.AppendUint32(head, uint32(len(part)))
		head = append(head, part...)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), file), file}, nil
}

// done gives raft the outcome. After a failure it will try again, perhaps with
// a newer snapshot.
func (t *transfers) done(m *pb.Message, err error) {
	status := raft.SnapshotFinish
	number, _ := t.peers.numberOf(m.GetTo())
	index := m.GetSnapshot().GetMetadata().GetIndex()
	if err != nil {
		status = raft.SnapshotFailure
		t.log.Warn().Int("member", number).Uint64("index", index).Err(err).Msg("snapshot not sent")
	} else {
		t.log.Info().Int("member", number).Uint64("index", index).Msg("snapshot sent")
	}
	t.net.put(received{sent: m.GetTo(), status: status})
}

// ReceiveSnapshot implements Receiver: it writes the file and then tells raft.
func (n *Node) ReceiveSnapshot(from Credentials, r io.Reader) error {
	if !n.formed() {
		return errNotFormed
	}
	if !n.trusts(from) {
		return errors.New("receive snapshot: it is not from a member")
	}
	message, err := readPart(r)
	if err != nil {
		return err
	}
	meta, err := readPart(r)
	if err != nil {
		return err
	}
	m := &pb.Message{}
	if err := proto.Unmarshal(message, m); err != nil {
		return fmt.Errorf("receive snapshot: %w", err)
	}
	if m.GetType() != pb.MsgSnap || m.GetTo() != n.peers.self || m.GetFrom() != from.Member {
		return errors.New("receive snapshot: it is not for this member")
	}
	n.peers.learn(m.GetFrom(), from.Number)
	at := m.GetSnapshot().GetMetadata()
	id := wal.SnapshotID{Index: at.GetIndex(), Term: at.GetTerm()}
	if err := n.snaps.receive(id, meta, r); err != nil {
		return fmt.Errorf("receive snapshot: %w", err)
	}
	n.net.put(received{from: from.Number, message: m})
	return nil
}

func readPart(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, fmt.Errorf("receive snapshot: %w", err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxTransferHead {
		return nil, fmt.Errorf("receive snapshot: %w", errFrame)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("receive snapshot: %w", err)
	}
	return b, nil
}
