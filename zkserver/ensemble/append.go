package ensemble

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
)

const (
	maxGroupBytes = 1 << 20                // of entries in one write, if the log takes that much
	slowAppend    = time.Second            // is worth a line in the log
	fullRetry     = 100 * time.Millisecond // while the disk is full
	markEvery     = time.Second
)

// An appender is the append thread: it alone writes to the log.
type appender struct {
	in      *mailbox
	storage *storage
	deliver func([]*pb.Message) // responses, after the disk has what they attest
	log     zerolog.Logger

	// restore has the apply thread give the machine a snapshot and then deliver
	// the responses and call resume. Until then nothing more is written: it
	// could not be applied anyway.
	restore   func(s *pb.Snapshot, responses []*pb.Message)
	restoring atomic.Bool

	hang    *hang
	done    func(messages int) // is told how many are finished
	taken   []*pb.Message      // from the mailbox; its memory is used again
	rest    []*pb.Message      // of those: not yet written
	held    *group             // is being written, or waits for room; nil for none
	limit   int                // bytes of entries in one write
	durable wal.HardState      // on the disk
	hard    wal.HardState      // the newest; its Commit may be ahead of durable's
	before  wal.HardState      // was hard at the last tick
}

func newAppender(in *mailbox, s *storage, deliver func([]*pb.Message), log zerolog.Logger) *appender {
	hard := s.log.HardState()
	limit := int(min(maxGroupBytes, s.log.MaxEntryBytes()))
	return &appender{in: in, storage: s, deliver: deliver, log: log, hang: &hang{}, limit: limit, durable: hard, hard: hard}
}

// run writes what comes into the mailbox until ctx ends or the disk fails. All
// that has piled up during one sync is written by the next.
func (a *appender) run(ctx context.Context) error {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		wake, retry := a.in.wake, (<-chan time.Time)(nil)
		if a.held != nil { // for lack of room
			wake, retry = nil, time.After(fullRetry)
		}
		select {
		case <-ctx.Done():
			return a.writeCommit()
		case <-retry:
		case <-tick.C:
			if err := a.idle(); err != nil {
				return err
			}
			continue
		case <-wake:
		}
		if err := a.turn(ctx); err != nil {
			return err
		}
	}
}

// turn writes what is in the mailbox. While the disk is full it leaves the first
// group for the next turn: nothing that was acknowledged is in danger, and raft's
// order must be kept.
func (a *appender) turn(ctx context.Context) error {
	for !a.restoring.Load() && ctx.Err() == nil {
		if !a.next() {
			return nil
		}
		if done, err := a.write(a.held); !done || err != nil {
			return err
		}
		messages := a.held.messages
		a.held = nil
		a.done(messages)
	}
	return nil
}

// next has the next group in held, and reports whether there is one.
func (a *appender) next() bool {
	if a.held != nil {
		return true
	}
	if len(a.rest) == 0 {
		a.taken = a.in.take(a.taken)
		a.rest = a.taken
	}
	if len(a.rest) == 0 {
		return false
	}
	var g group
	before := len(a.rest)
	g, a.rest = nextGroup(a.rest, a.limit)
	g.messages = before - len(a.rest)
	a.held = &g
	return true
}

// resume goes on after a restore.
func (a *appender) resume() {
	a.restoring.Store(false)
	signal(a.in.wake)
}

// idle is done once every markEvery. What was committed last is written when
// nothing has followed it since the last time: a member that is killed long after
// a change of the members must not be back in the joint membership before it, in
// which it may need one that is gone for good.
func (a *appender) idle() error {
	if err := a.hang.during(a.storage.log.Mark); err != nil {
		return err
	}
	quiet := a.hard == a.before
	a.before = a.hard
	if !quiet || a.restoring.Load() {
		return nil
	}
	return a.writeCommit()
}

// writeCommit writes down what was committed last, so that the next start need
// not wait for an election to know it.
func (a *appender) writeCommit() error {
	if a.held != nil || a.hard == a.durable {
		return nil
	}
	err := a.hang.during(func() error { return a.storage.append(a.hard, nil) })
	switch {
	case errors.Is(err, wal.ErrDiskFull):
		return nil
	case err != nil:
		return err
	}
	a.durable = a.hard
	return nil
}

// A group is what one write does for several messages.
type group struct {
	hard      wal.HardState // zero if there is none
	snapshot  *pb.Snapshot  // replaces all entries before; nil if there is none
	installed bool          // snapshot is
	entries   []*pb.Entry
	responses []*pb.Message
	messages  int // that it was made of
}

// nextGroup merges messages, from the first on, as long as their entries
// follow one another and are within limit bytes. It gives the others back.
func nextGroup(messages []*pb.Message, limit int) (g group, rest []*pb.Message) {
	bytes := 0
	for i, m := range messages {
		if i > 0 && (m.GetSnapshot() != nil || g.snapshot != nil) {
			return g, messages[i:]
		}
		g.snapshot = m.GetSnapshot()
		entries := m.GetEntries()
		for _, e := range entries {
			bytes += entryBytes(e)
		}
		if n := len(g.entries); n > 0 && len(entries) > 0 {
			if entries[0].GetIndex() != g.entries[n-1].GetIndex()+1 || bytes > limit {
				return g, messages[i:]
			}
		}
		if m.GetTerm() != 0 || m.GetVote() != 0 || m.GetCommit() != 0 {
			g.hard = wal.HardState{Term: m.GetTerm(), Vote: m.GetVote(), Commit: m.GetCommit()}
		}
		g.entries = append(g.entries, entries...)
		g.responses = append(g.responses, m.GetResponses()...)
	}
	return g, nil
}

// write makes a group durable and then delivers its responses. A group that
// says no more than what is committed is not written: raft can find that out
// again, and the responses only attest what was written before.
// If the disk is full it is not done: what is left of the group is written later.
func (a *appender) write(g *group) (done bool, err error) {
	if g.hard != (wal.HardState{}) {
		a.hard = g.hard
	}
	if g.snapshot != nil && !g.installed {
		done, err := a.persist(func() error { return a.storage.install(a.hard, g.snapshot) })
		if !done || err != nil {
			return false, err
		}
		a.durable, g.installed = a.hard, true
	}
	for len(g.entries) > 0 || a.hard.Term != a.durable.Term || a.hard.Vote != a.durable.Vote {
		n := cutGroup(g.entries, a.limit)
		hard := a.hard
		if n < len(g.entries) {
			hard = partState(a.durable, a.hard, g.entries[n-1].GetIndex())
		}
		done, err := a.persist(func() error { return a.storage.append(hard, g.entries[:n]) })
		if !done || err != nil {
			return false, err
		}
		a.durable = hard
		g.entries = g.entries[n:]
	}
	if g.snapshot != nil {
		a.restoring.Store(true)
		a.restore(g.snapshot, g.responses)
		return true, nil
	}
	a.deliver(g.responses)
	return true, nil
}

// partState is what is written with a part of a group that ends with entry last:
// what is committed of it has to be known when the process ends before the rest is
// written. An entry that leaves a joint membership is appended by raft only when
// the one that entered it is committed, and must not be found without that.
func partState(durable, hard wal.HardState, last uint64) wal.HardState {
	hard.Commit = max(durable.Commit, min(hard.Commit, last))
	return hard
}

// cutGroup gives how many of the entries, from the first on, are within limit
// bytes; at least one if there is one.
func cutGroup(entries []*pb.Entry, limit int) int {
	bytes := 0
	for i, e := range entries {
		if bytes += entryBytes(e); bytes > limit && i > 0 {
			return i
		}
	}
	return len(entries)
}

// persist makes one write. It is not done if the disk is full.
func (a *appender) persist(write func() error) (done bool, err error) {
	start := time.Now()
	err = a.hang.during(write)
	if errors.Is(err, wal.ErrTooLarge) {
		err = fmt.Errorf("another member takes larger requests (jute.maxbuffer): this one must, too: %w", err)
	}
	if took := time.Since(start); took > slowAppend {
		a.log.Warn().Dur("took", took).Msg("disk slow")
	}
	waits := errors.Is(err, wal.ErrDiskFull)
	switch was := a.hang.waits.Swap(waits); {
	case waits && !was:
		a.log.Error().Err(err).Msg("log waits for disk space")
	case waits:
	case err == nil && was:
		a.log.Info().Msg("log goes on")
	}
	if waits {
		return false, nil
	}
	return true, err
}
