package ensemble

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	tick           = 10 * time.Millisecond
	heartbeatTicks = 3
	electionTicks  = 30 // raft adds a random part of up to as much

	// maxInFlight is how many batches may be on their way to being committed.
	// Meanwhile the next one fills: no timer is needed to gather commands.
	maxInFlight = 2
)

// A loop is the raft loop. It alone touches the RawNode, and it never waits
// for a sync, for the machine, or for another member. It may read old entries
// from the disk, which only a start and a member far behind need.
type loop struct {
	raft    *raft.RawNode
	in      *mailbox // answers of the append and apply threads
	append  *mailbox
	apply   *mailbox
	backlog *backlog
	reads   *reads
	log     zerolog.Logger

	single   bool   // the only voter, who need not wait for anybody
	replayed uint64 // what was known to be committed at the start
	stood    bool   // for election, as the only voter
	term     uint64
	leading  bool
	inFlight int   // batches of this term, proposed and not committed
	time     int64 // stamp of the last batch, ms
}

// run drives raft until ctx ends.
//
//	in       -> step     what the storage threads have done
//	backlog  -> propose  the next batch, if not too many are on their way
//	reads    -> ask      one question for all who wait
//	tick     -> tick     elections and heartbeats are counted in ticks
//
// and after each, ready hands out what raft wants done.
func (l *loop) run(ctx context.Context) error {
	var ticks <-chan time.Time // stays nil when there is nobody to hear from
	if !l.single {
		t := time.NewTicker(tick)
		defer t.Stop()
		ticks = t.C
	}
	var spent []*pb.Message
	for {
		l.campaign()
		l.ready()
		l.propose()
		l.reads.ask(l.raft)
		l.ready()

		select {
		case <-ctx.Done():
			return nil
		case <-l.in.wake:
			spent = l.step(l.in.take(spent))
		case <-l.backlog.wake:
		case <-l.reads.wake:
		case <-ticks:
			l.tick()
		}
	}
}

// campaign makes the only voter leader, as soon as the committed part of the
// log is applied: before, raft would read all of it in search of changes of
// the membership.
func (l *loop) campaign() {
	if l.single && !l.stood && l.reads.applied >= l.replayed {
		l.stood = true
		_ = l.raft.Campaign() // never refuses in this state
	}
}

// step passes messages to raft, and gives the slice back.
func (l *loop) step(messages []*pb.Message) []*pb.Message {
	for _, m := range messages {
		if m.GetType() == pb.MsgStorageApplyResp {
			entries := m.GetEntries()
			l.reads.advance(entries[len(entries)-1].GetIndex())
		}
		_ = l.raft.Step(m) // an error means that raft had no use for it
	}
	return messages
}

// tick lets time go on by one tick. Ticks missed in a pause are not made up.
func (l *loop) tick() {
	l.raft.Tick()
	l.reads.tick()
}

// ready hands out everything raft wants done.
func (l *loop) ready() {
	for l.raft.HasReady() {
		rd := l.raft.Ready()
		l.follow(rd)
		for _, s := range rd.ReadStates {
			l.reads.answer(s)
		}
		for _, m := range rd.Messages {
			switch m.GetTo() {
			case raft.LocalAppendThread:
				l.append.put(m)
			case raft.LocalApplyThread:
				l.committed(m.GetEntries())
				l.apply.put(m)
			}
		}
	}
}

// follow notes who leads and in which term.
func (l *loop) follow(rd raft.Ready) {
	term, leading := l.term, l.leading
	if rd.HardState != nil {
		term = rd.HardState.GetTerm()
	}
	if rd.SoftState != nil {
		leading = rd.SoftState.RaftState == raft.StateLeader
	}
	if term == l.term && leading == l.leading {
		return
	}
	switch {
	case leading && !l.leading:
		l.log.Info().Uint64("term", term).Msg("leading")
	case l.leading && !leading:
		l.log.Info().Uint64("term", term).Msg("no longer leading")
	}
	l.term, l.leading, l.inFlight = term, leading, 0
	l.reads.again()
}

// committed counts the batches that have arrived.
func (l *loop) committed(entries []*pb.Entry) {
	for _, e := range entries {
		if e.GetTerm() == l.term && len(e.GetData()) > 0 && l.inFlight > 0 {
			l.inFlight--
		}
	}
}

// propose makes batches of the backlog. A batch that raft does not take, since
// we do not lead, stays in the backlog: it was not written anywhere.
func (l *loop) propose() {
	for l.leading && l.inFlight < maxInFlight {
		commands := l.backlog.peek()
		if len(commands) == 0 {
			return
		}
		l.time = max(l.time, time.Now().UnixMilli())
		if err := l.raft.Propose(encodeBatch(l.term, l.time, commands)); err != nil {
			l.log.Debug().Err(err).Msg("batch not taken")
			return
		}
		l.backlog.drop(len(commands))
		l.inFlight++
		l.ready()
	}
}
