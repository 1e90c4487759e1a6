package ensemble

import (
	"errors"
	"slices"
	"sync"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
)

// storage is what raft sees of the log. The raft loop reads it; the append
// thread adds to it when the disk has what it adds.
type storage struct {
	log     *wal.Log
	initial *pb.HardState
	conf    *pb.ConfState
	recent  ring

	mu       sync.Mutex // protects the fields below
	snapshot *pb.SnapshotMetadata
	least    uint64 // a snapshot of an earlier entry is of no use to the newest member
}

var _ raft.Storage = (*storage)(nil)

// InitialState implements raft.Storage.
func (s *storage) InitialState() (*pb.HardState, *pb.ConfState, error) {
	return s.initial, s.conf, nil
}

// FirstIndex implements raft.Storage.
func (s *storage) FirstIndex() (uint64, error) {
	base, _ := s.log.Bounds()
	return base + 1, nil
}

// LastIndex implements raft.Storage.
func (s *storage) LastIndex() (uint64, error) {
	_, last := s.log.Bounds()
	return last, nil
}

// Term implements raft.Storage.
func (s *storage) Term(i uint64) (uint64, error) {
	term, err := s.log.Term(i)
	return term, raftError(err)
}

// Entries implements raft.Storage.
func (s *storage) Entries(lo, hi, maxSize uint64) ([]*pb.Entry, error) {
	if base, _ := s.log.Bounds(); lo <= base {
		return nil, raft.ErrCompacted
	}
	if entries := s.recent.slice(lo, hi, maxSize); entries != nil {
		return entries, nil
	}
	stored, err := s.log.Entries(lo, hi, int64(min(maxSize, 1<<62)))
	if err != nil {
		return nil, raftError(err)
	}
	entries := make([]*pb.Entry, len(stored))
	for i, e := range stored {
		entries[i] = &pb.Entry{Index: &e.Index, Term: &e.Term, Type: pb.EntryType(e.Type).Enum(), Data: e.Data}
	}
	return entries, nil
}

// Snapshot implements raft.Storage. It gives the metadata only: the file goes
// its own way.
func (s *storage) Snapshot() (*pb.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot.GetIndex() < s.least || s.snapshot == nil {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return &pb.Snapshot{Metadata: s.snapshot}, nil
}

func (s *storage) setSnapshot(id wal.SnapshotID, conf *pb.ConfState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id.Index < s.snapshot.GetIndex() {
		return // one of another member came first
	}
	s.snapshot = &pb.SnapshotMetadata{Index: new(id.Index), Term: new(id.Term), ConfState: conf}
}

// require makes snapshots of entries before i of no use to others.
func (s *storage) require(i uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.least = i
}

// suffices reports whether a snapshot of entry i is of use to a member: its members
// are new enough, and the log goes on behind it.
func (s *storage) suffices(i uint64) bool {
	base, _ := s.log.Bounds()
	s.mu.Lock()
	defer s.mu.Unlock()
	return i >= base && i >= s.least
}

// snapshotIndex is the last entry in the newest snapshot, or 0.
func (s *storage) snapshotIndex() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot.GetIndex()
}

// append writes one group and returns when the disk has it.
func (s *storage) append(hard wal.HardState, entries []*pb.Entry) error {
	group := make([]wal.Entry, len(entries))
	for i, e := range entries {
		group[i] = wal.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Type: uint8(e.GetType()), Data: e.GetData()}
	}
	if err := s.log.Append(hard, group); err != nil {
		return err
	}
	s.recent.append(entries)
	return nil
}

// raftError gives raft the errors that it knows.
func raftError(err error) error {
	switch {
	case errors.Is(err, wal.ErrCompacted):
		return raft.ErrCompacted
	case errors.Is(err, wal.ErrUnavailable):
		return raft.ErrUnavailable
	}
	return err
}

// A ring remembers the newest entries of the log, limited by bytes, so that
// applying and replicating them does not read the disk.
type ring struct {
	limit int

	mu      sync.Mutex // protects the fields below
	entries []*pb.Entry
	bytes   int
}

// append adds entries, which replace the ones with their index and above.
func (r *ring) append(entries []*pb.Entry) {
	if len(entries) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut(entries[0].GetIndex())
	for _, e := range entries {
		r.entries = append(r.entries, e)
		r.bytes += entryBytes(e)
	}
	drop := 0
	for r.bytes > r.limit && drop < len(r.entries)-1 {
		r.bytes -= entryBytes(r.entries[drop])
		r.entries[drop] = nil // NB: slices given out before are copies
		drop++
	}
	r.entries = r.entries[drop:]
}

// reset forgets all entries.
func (r *ring) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.bytes = nil, 0
}

// cut makes entry i the next one to be appended.
func (r *ring) cut(i uint64) {
	if len(r.entries) == 0 {
		return
	}
	first := r.entries[0].GetIndex()
	if i < first || i > first+uint64(len(r.entries)) {
		r.entries, r.bytes = nil, 0
		return
	}
	for _, e := range r.entries[i-first:] {
		r.bytes -= entryBytes(e)
	}
	r.entries = r.entries[:i-first]
}

// slice gives the entries from lo up to but not including hi, no more than
// maxSize bytes but at least one, or nil if the ring does not have lo.
func (r *ring) slice(lo, hi, maxSize uint64) []*pb.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) == 0 {
		return nil
	}
	first := r.entries[0].GetIndex()
	if lo < first || hi > first+uint64(len(r.entries)) || lo >= hi {
		return nil
	}
	part := r.entries[lo-first : hi-first]
	size := uint64(0)
	for n, e := range part {
		if size += uint64(entryBytes(e)); size > maxSize && n > 0 {
			part = part[:n]
			break
		}
	}
	return slices.Clone(part)
}

// entryBytes is about what an entry takes in memory and on the wire.
func entryBytes(e *pb.Entry) int { return len(e.GetData()) + 24 }
