package ensemble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"time"

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
//	u32 0xffffffff | u64 offset | the same, with the state from there on
//
// The message has the snapshot's index and term and no state. The other member
// writes a file of its own, and gives the message to raft when the file is on
// its disk.
//
// The second form goes on with a snapshot that broke off, as the other member says
// it has it: the same bytes, by their CRC, and of no use any more if the log does
// not go on behind it. Raft, which asked for the newest one, finds out from the
// answers that the member has less than that. A large state has a long log behind
// it, since snapshots are then taken seldom; so it gets through a link that breaks
// again and again. What a member has ends with its process.
const (
	maxTransferHead = 1 << 20
	resumed         = 1<<32 - 1

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
	transport Transport

	mu      sync.Mutex // protects the fields below
	waiting []*pb.Message
	failed  map[uint64]int // how often in a row, by raft's number
}

// After a failure raft asks again at once. It is told of it later and later.
const (
	againFirst = 50 * time.Millisecond
	againMost  = 5 * time.Second
)

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
				err := t.send(ctx, m)
				<-t.slots
				pause(ctx, t.wait(m.GetTo(), err))
				t.done(m, err)
				return nil
			})
		}
	}
}

// wait notes an outcome, and gives the time before raft is told.
func (t *transfers) wait(to uint64, err error) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.failed, to)
		return 0
	}
	if t.failed == nil {
		t.failed = make(map[uint64]int)
	}
	t.failed[to] = min(t.failed[to]+1, 16)
	return min(againFirst<<(t.failed[to]-1), againMost)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// send sends one snapshot.
func (t *transfers) send(ctx context.Context, m *pb.Message) error {
	to, ok := t.peers.numberOf(m.GetTo())
	if !ok || t.transport == nil {
		return errors.New("no such member")
	}
	return t.transport.SendSnapshot(ctx, to, func(have Part) (io.ReadCloser, error) { return t.open(m, have) })
}

// open gives the stream of a snapshot, or what is lacking of one of which the other
// member has a part.
func (t *transfers) open(m *pb.Message, have Part) (io.ReadCloser, error) {
	if have.Bytes > 0 {
		number, _ := t.peers.numberOf(m.GetTo())
		r, err := t.resume(m, have)
		if err == nil {
			t.log.Info().Int("member", number).Uint64("index", have.Index).Uint64("bytes", have.Bytes).Msg("snapshot goes on where it broke off")
			return r, nil
		}
		t.log.Info().Int("member", number).Uint64("index", have.Index).Err(err).Msg("snapshot begins anew")
	}
	at := m.GetSnapshot().GetMetadata()
	file, err := t.storage.log.OpenSnapshot(wal.SnapshotID{Index: at.GetIndex(), Term: at.GetTerm()})
	if err != nil {
		return nil, err
	}
	return stream(nil, m, file)
}

// resume gives the rest of a snapshot of which the other member has a part.
func (t *transfers) resume(m *pb.Message, have Part) (_ io.ReadCloser, err error) {
	if !t.storage.suffices(have.Index) {
		return nil, errors.New("the log does not go on behind it any more")
	}
	file, err := t.storage.log.OpenSnapshot(wal.SnapshotID{Index: have.Index, Term: have.Term})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	sum := crc32.New(castagnoli)
	if _, err := io.CopyN(sum, file, int64(have.Bytes)); err != nil {
		return nil, err
	}
	if sum.Sum32() != have.Sum {
		return nil, errors.New("it was another one")
	}
	about, err := decodeMeta(file.Meta())
	if err != nil {
		return nil, err
	}
	m = proto.CloneOf(m)
	m.Snapshot.Metadata = &pb.SnapshotMetadata{Index: &have.Index, Term: &have.Term, ConfState: about.members.conf}
	prefix := binary.BigEndian.AppendUint32(nil, resumed)
	return stream(binary.BigEndian.AppendUint64(prefix, have.Bytes), m, file)
}

// stream puts what comes first before what is left to be read of a file.
func stream(head []byte, m *pb.Message, file *wal.SnapshotReader) (io.ReadCloser, error) {
	message, err := proto.Marshal(m)
	if err != nil {
		file.Close()
		return nil, err
	}
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
