package ensemble

import (
	"context"
	"fmt"
	"sync"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
)

// An applier is the apply thread: it alone calls the Machine.
type applier struct {
	in          *mailbox
	machine     Machine
	deliver     func([]*pb.Message)
	snapshots   *snapshots
	backlog     *backlog
	roster      *roster
	load        func(wal.SnapshotID) (meta, error) // gives the machine a snapshot
	restored    func()                             // is called after that
	changed     func(m *membership, cc *pb.Entry)  // is called when the members have changed; nil for nobody
	understands func(*membership) error            // says if members write what this one does not speak
	log         zerolog.Logger

	taken []*pb.Message // its memory is used again
	position
	startTerm uint64        // newest term in the log when the process started
	ready     chan struct{} // nil if it is not for us to close it
	readyOnce sync.Once
}

// A position says how far the machine is.
type position struct {
	index, term uint64 // of the last entry applied
	time        int64  // of the last batch
}

// run applies what comes into the mailbox until ctx ends.
func (a *applier) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.snapshots.wanted:
			a.snapshots.relieve(a.position, a.machine)
			continue
		case ask := <-a.snapshots.open():
			a.snapshots.answer(ask, a.position, a.machine)
			continue
		case <-a.snapshots.idle:
			a.snapshots.again(a.position, a.machine)
			continue // those who asked may be taken again
		case <-a.in.wake:
		}
		if err := a.turn(ctx); err != nil {
			return err
		}
	}
}

// turn applies what is in the mailbox.
func (a *applier) turn(ctx context.Context) error {
	a.taken = a.in.take(a.taken)
	for _, m := range a.taken {
		if s := m.GetSnapshot(); s != nil {
			if err := a.restore(s); err != nil {
				return fmt.Errorf("restore snapshot of entry %d: %w", s.GetMetadata().GetIndex(), err)
			}
			a.deliver(m.GetResponses())
			a.restored()
			continue
		}
		for _, e := range m.GetEntries() {
			if ctx.Err() != nil {
				return nil
			}
			if err := a.apply(e); err != nil {
				return fmt.Errorf("apply entry %d: %w", e.GetIndex(), err)
			}
		}
		a.deliver(m.GetResponses())
	}
	return nil
}

// apply applies one committed entry and starts a snapshot if it is time.
func (a *applier) apply(e *pb.Entry) error {
	firstOfTerm := e.GetTerm() != a.term
	a.index, a.term = e.GetIndex(), e.GetTerm()
	if firstOfTerm {
		a.backlog.begin(a.term)
		a.show(Batch{Members: a.roster.get().members()})
	}
	if err := a.applyEntry(e); err != nil {
		return err
	}
	if a.ready != nil && a.term > a.startTerm {
		a.readyOnce.Do(func() { close(a.ready) })
	}
	a.snapshots.applied(a.position, entryBytes(e), a.machine)
	return nil
}

// applyEntry applies what an entry says.
func (a *applier) applyEntry(e *pb.Entry) error {
	switch {
	case e.GetType() != pb.EntryNormal:
		return a.applyChange(e)
	case len(e.GetData()) == 0:
		return nil
	case e.GetData()[0] == noticeFormat:
		return a.applyNotice(e)
	}
	return a.applyBatch(e)
}

// applyBatch applies an entry with commands, unless it was meant for another
// term: then nobody may rely on it, and whoever proposed it will again.
func (a *applier) applyBatch(e *pb.Entry) error {
	b, term, err := decodeBatch(e.GetData())
	if err != nil {
		return err
	}
	if term != e.GetTerm() {
		a.log.Warn().Uint64("term", term).Msg("batch of another term skipped")
		return nil
	}
	// The leader's stamps rise within a term. Between terms they may not.
	a.time = max(a.time, b.Time)
	b.applier = a
	a.show(b)
	a.backlog.applied(b.Commands)
	return nil
}

// show gives the machine a batch of the entry that is being applied.
func (a *applier) show(b Batch) {
	b.Index, b.Term, b.Time, b.Version = a.index, a.term, a.time, a.roster.get().written()
	a.machine.Apply(b)
}
