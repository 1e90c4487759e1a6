package ensemble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/mwqueue/mw/zkserver/wal"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errReceiving = errors.New("another snapshot is being written or taken over")
	errNoPart    = errors.New("there is nothing here to go on with")
)

// A partial is a snapshot of another member that broke off: its file waits, without its name,
// for the rest. It is dropped when another one is received or taken, when the disk
// is full, and at the end of the process.
type partial struct {
	Part
	from uint64 // data directory of who sends it
	meta []byte
	file *wal.SnapshotWriter
}

// Part implements Receiver.
func (n *Node) Part(from Credentials) Part {
	if !n.formed() {
		return Part{}
	}
	t := n.snaps
	t.partMu.Lock()
	defer t.partMu.Unlock()
	if t.part == nil || t.part.from != from.Directory {
		return Part{}
	}
	return t.part.Part
}

// errNotForUs is said of a snapshot for another member: for the one that this was,
// too, before it lost its directory.
var errNotForUs = errors.New("receive snapshot: it is not for this member")

// ReceiveSnapshot implements Receiver: it writes the file and then tells raft.
func (n *Node) ReceiveSnapshot(from Credentials, r io.Reader) error {
	if !n.formed() {
		return errNotFormed
	}
	if !n.trusts(from) {
		return errors.New("receive snapshot: it is not from a member")
	}
	h, err := readHead(r)
	if err != nil {
		return fmt.Errorf("receive snapshot: %w", err)
	}
	m := h.message
	if m.GetType() != pb.MsgSnap || m.GetTo() != n.peers.self || m.GetFrom() != from.Member {
		return errNotForUs
	}
	n.peers.learn(m.GetFrom(), from.Number)
	if err := n.snaps.receive(from.Directory, h, r); err != nil {
		return fmt.Errorf("receive snapshot: %w", err)
	}
	n.net.put(received{from: from.Number, message: m})
	return nil
}

// A head is what comes before the state.
type head struct {
	offset  uint64 // where the state goes on; 0 is its begin
	message *pb.Message
	meta    []byte
}

func (h head) id() wal.SnapshotID {
	at := h.message.GetSnapshot().GetMetadata()
	return wal.SnapshotID{Index: at.GetIndex(), Term: at.GetTerm()}
}

func readHead(r io.Reader) (h head, err error) {
	size, err := readSize(r)
	if err == nil && size == resumed {
		b := make([]byte, 8)
		if _, err = io.ReadFull(r, b); err == nil {
			h.offset = binary.BigEndian.Uint64(b)
			size, err = readSize(r)
		}
	}
	if err != nil {
		return head{}, err
	}
	message, err := readPart(r, size)
	if err != nil {
		return head{}, err
	}
	if size, err = readSize(r); err != nil {
		return head{}, err
	}
	if h.meta, err = readPart(r, size); err != nil {
		return head{}, err
	}
	h.message = &pb.Message{}
	return h, proto.Unmarshal(message, h.message)
}

func readSize(r io.Reader) (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(r, b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

func readPart(r io.Reader, size uint32) ([]byte, error) {
	if size > maxTransferHead {
		return nil, errFrame
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r, b)
	return b, err
}

// receive writes the file of a snapshot that another member took. What has come of
// one that breaks off is kept.
func (t *snapshots) receive(from uint64, h head, r io.Reader) error {
	m, err := decodeMeta(h.meta)
	if err != nil {
		return err
	}
	if !t.writing.TryLock() {
		return errReceiving
	}
	defer t.writing.Unlock()
	if t.received.Load() != 0 {
		return errReceiving
	}
	if h.id().Index <= t.storage.snapshotIndex() {
		t.dropPart()
		_, err := io.Copy(io.Discard, r) // raft has no use for it, and will say so
		return err
	}
	m.received = true
	p, err := t.begin(from, h, m)
	if err != nil {
		return err
	}
	broken, err := p.fill(r)
	switch {
	case broken:
		t.partMu.Lock()
		t.part = p
		t.partMu.Unlock()
		return err
	case err != nil:
		p.file.Abort()
		return err
	}
	if _, err = p.file.Commit(); err == nil {
		t.received.Store(p.Index)
	}
	return err
}

// begin gives what is there already of a snapshot, or begins it.
func (t *snapshots) begin(from uint64, h head, m meta) (*partial, error) {
	t.partMu.Lock()
	defer t.partMu.Unlock()
	p, id := t.part, h.id()
	if h.offset > 0 {
		if p == nil || p.from != from || p.Index != id.Index || p.Term != id.Term || p.Bytes != h.offset || !slices.Equal(p.meta, h.meta) {
			return nil, errNoPart
		}
		t.part = nil
		return p, nil
	}
	t.dropPartLocked()
	b, err := m.encode()
	if err != nil {
		return nil, err
	}
	file, err := t.storage.log.CreateSnapshot(id, b)
	if err != nil {
		return nil, err
	}
	return &partial{Part: Part{Index: id.Index, Term: id.Term}, from: from, meta: h.meta, file: file}, nil
}

// fill writes what comes. broken says that it was not the disk that ended it.
func (p *partial) fill(r io.Reader) (broken bool, err error) {
	b := make([]byte, 64<<10)
	for {
		n, err := r.Read(b)
		if n > 0 {
			if _, err := p.file.Write(b[:n]); err != nil {
				return false, err
			}
			p.Bytes += uint64(n)
			p.Sum = crc32.Update(p.Sum, castagnoli, b[:n])
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return p.Bytes > 0, err
		}
	}
}

// dropPart removes what there is of a snapshot that broke off.
func (t *snapshots) dropPart() {
	t.partMu.Lock()
	defer t.partMu.Unlock()
	t.dropPartLocked()
}

// dropPartOf removes it if it is the snapshot that this member is about to write: both
// would have the same file.
func (t *snapshots) dropPartOf(id wal.SnapshotID) {
	t.partMu.Lock()
	defer t.partMu.Unlock()
	if t.part != nil && t.part.Index == id.Index && t.part.Term == id.Term {
		t.dropPartLocked()
	}
}

func (t *snapshots) dropPartLocked() {
	if t.part != nil {
		t.part.file.Abort()
		t.part = nil
	}
}
