package ensemble

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	tick           = 10 * time.Millisecond
	heartbeatTicks = 3
	electionTicks  = 30 // raft adds a random part of up to as much

	// maxInFlight is how many batches may be on their way to being committed,
	// and how many frames of a follower to being applied. Meanwhile the next
	// one fills: no timer is needed to gather commands.
	maxInFlight = 2
)

// A loop is the raft loop. It alone touches the RawNode, and it never waits
// for a sync, for the machine, or for another member. It may read old entries
// from the disk, which only a start and a member far behind need.
type loop struct {
	raft      *raft.RawNode
	in        *mailbox // answers of the append and apply threads
	net       *inbox   // what other members sent
	append    *mailbox
	apply     *mailbox
	backlog   *backlog
	reads     *reads
	peers     *peers
	transfers *transfers
	roster    *roster
	id        identity
	log       zerolog.Logger
	roles     *roles
	tells     *tells
	handOver  *handOver
	vacancy   vacancy
	rooms     rooms
	check     func(data []byte) error                    // nil: all commands are good
	hear      func(from int, term uint64, b []byte) bool // nil for nobody

	single     bool   // the only voter, who need not wait for anybody
	batchLimit int    // bytes
	maxCommand int    // bytes of data
	replayed   uint64 // what was known to be committed at the start
	stood      bool   // for election, as the only voter

	void func(why string) error // marks the directory as of no use, and gives the error to end with

	term     uint64
	leader   uint64 // raft's number, 0 if there is none
	leading  bool
	inFlight int   // batches of this term, proposed and not committed
	time     int64 // stamp of the last batch, ms
	forwards forwarder
	intake   intake

	clock       uint64            // ticks since the start
	heard       map[uint64]uint64 // clock of the last message of each member, by raft's number
	applicants  map[int]applicant // by number: who says hello and is no member
	carrier     carrier
	appliedTerm uint64         // of the last entry applied
	speaks      uint8          // the latest version that this member speaks
	tongues     map[int]tongue // by number: what others said of that
	raised      *membership    // for which a later version was proposed, in this term; nil for none
	member      bool           // raft knows us as one
	removed     bool           // we are no member any more
	failed      error          // why the node must end

	status    atomic.Pointer[Status]
	statusAge int // ticks

	installing uint64             // last entry of the newest snapshot given to the append thread
	unused     func(index uint64) // is called when raft has no use for a snapshot received
	stall      stall

	spent    []*pb.Message // memory to use again
	spentNet []received
}

// run drives raft until ctx ends.
//
//	in       -> step     what the storage threads have done
//	net      -> receive  what other members sent
//	backlog  -> propose  the next batch, if not too many are on their way,
//	            forward  or, on a follower, the next frame to the leader
//	reads    -> ask      one question for all who wait
//	tells    -> tell     the leader, what is not worth an entry
//	handOver -> lead     is given to another member
//	tick     -> tick     elections and heartbeats are counted in ticks
//
// and after each, ready hands out what raft wants done.
func (l *loop) run(ctx context.Context) error {
	var ticks <-chan time.Time // stays nil when there is nobody to hear from
	if !l.single || l.peers.transport != nil {
		t := time.NewTicker(tick)
		defer t.Stop()
		ticks = t.C
	}
	for {
		l.turn()
		select {
		case <-ctx.Done():
			return nil
		case <-l.in.wake:
			l.step()
		case <-l.net.wake:
			l.receive()
			if l.failed != nil {
				return l.failed
			}
		case <-l.backlog.wake:
		case <-l.reads.wake:
		case <-l.tells.wake:
		case <-l.handOver.wake:
		case <-ticks:
			l.tick()
		}
	}
}

// turn does what there is to do after something has happened.
func (l *loop) turn() {
	l.campaign()
	l.ready()
	l.raiseVersion()
	l.propose()
	l.forward()
	l.tell()
	l.handOverLead()
	if !l.single || l.settled() {
		l.reads.ask(l.raft)
	}
	l.ready()
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

// step passes the messages of the storage threads to raft.
func (l *loop) step() {
	messages := l.in.take(l.spent)
	for _, m := range messages {
		switch m.GetType() {
		case pb.MsgStorageApplyResp:
			last := m.GetEntries()[len(m.GetEntries())-1]
			l.reads.advance(last.GetIndex())
			l.appliedTerm = last.GetTerm()
		case pb.MsgStorageApply:
			l.changeMembers(m.GetEntries()[0])
			continue
		case pb.MsgStorageAppendResp:
			if s := m.GetSnapshot(); s != nil {
				l.reads.advance(s.GetMetadata().GetIndex())
				l.belong(s.GetMetadata().GetConfState())
			}
		}
		_ = l.raft.Step(m) // an error means that raft had no use for it
	}
	l.spent = messages
}

// receive takes what other members sent.
func (l *loop) receive() {
	items := l.net.take(l.spentNet)
	for _, r := range items {
		switch {
		case r.sent != 0:
			l.raft.ReportSnapshot(r.sent, r.status)
		case r.gone:
			l.leaderGone(r.from)
		case r.alien:
			l.meetAlien(r.from)
		case r.reached:
			l.reached(r.from)
		case r.removed != "":
			l.hearOfRemoval(r.from, r.removed)
		case r.message != nil:
			l.receiveRaft(r.message)
		case r.dropped:
			l.turnAway(r.from, r.frame)
		default:
			l.receiveFrame(r.from, r.frame)
		}
		l.ready() // so that it is known in which term what follows was received
	}
	l.spentNet = items
}

// receiveRaft takes a message of raft's.
func (l *loop) receiveRaft(m *pb.Message) {
	if l.failed != nil {
		return // nothing is promised any more
	}
	if why := l.refute(m); why != "" {
		l.failed = l.void(why)
		return
	}
	l.heard[m.GetFrom()] = l.clock
	switch kind := m.GetType(); {
	case saysNothing(m, l.term):
	case l.removed && kind != pb.MsgVote && kind != pb.MsgPreVote && !l.takenBack(m):
		if kind == pb.MsgSnap {
			l.unused(m.GetSnapshot().GetMetadata().GetIndex())
		}
	case kind == pb.MsgSnap:
		l.receiveSnapshot(m)
	case kind == pb.MsgReadIndex && l.single && !l.settled():
		// Raft would answer before it knows what is committed. It is asked again.
	default:
		_ = l.raft.Step(m) // an error means that raft had no use for it
		if m.GetFrom() == l.vacancy.gone {
			l.unheed()
		}
	}
}

// receiveSnapshot gives raft a snapshot whose file is on the disk. Raft takes
// it if it reaches further than what is known to be committed.
func (l *loop) receiveSnapshot(m *pb.Message) {
	l.installing = 0
	_ = l.raft.Step(m)
	l.ready()
	if index := m.GetSnapshot().GetMetadata().GetIndex(); l.installing != index {
		l.unused(index)
	}
}

// tick lets time go on by one tick. Ticks missed in a pause are not made up.
func (l *loop) tick() {
	l.clock++
	if l.removed {
		_ = l.raft.ForgetLeader() // or it would keep us from voting for ever, without ticks
		l.roster.rejected.Store(l.neverCounted())
		return
	}
	l.raft.Tick()
	l.carry()
	l.speak()
	l.reads.tick()
	l.stall.tick()
	l.handOver.tick()
	l.weighRoom()
	l.fillVacancy()
	l.leave()
	if l.statusAge++; l.statusAge >= statusTicks {
		l.statusAge = 0
		l.publish()
	}
	l.resend()
}

// ready hands out everything raft wants done.
func (l *loop) ready() {
	for l.raft.HasReady() {
		rd := l.raft.Ready()
		l.follow(rd)
		for _, s := range rd.ReadStates {
			l.reads.answer(s)
		}
		var votes []*pb.Message // that are asked for
		for _, m := range rd.Messages {
			switch {
			case m.GetTo() == raft.LocalAppendThread:
				l.write(m)
			case m.GetTo() == raft.LocalApplyThread:
				l.committed(m.GetEntries())
				l.apply.put(m)
			case l.removed && m.GetType() != pb.MsgVoteResp && m.GetType() != pb.MsgPreVoteResp:
			case m.GetType() == pb.MsgVote:
				votes = append(votes, m)
			case m.GetType() == pb.MsgSnap:
				l.transfers.add(m)
			case l.leading && l.stall.silent(), m.GetType() == pb.MsgPreVote && l.shy():
			default:
				l.peers.send(m)
			}
		}
		l.askForVotes(votes)
	}
}

// write hands a message to the append thread.
func (l *loop) write(m *pb.Message) {
	l.stall.handed++
	l.installing = max(l.installing, m.GetSnapshot().GetMetadata().GetIndex())
	l.append.put(m)
}

// askForVotes has others asked for their votes when the term is on the disk. Raft
// would ask at once, and may win by the votes of others alone: a leader that ended
// before it had written the term would not know of it when it starts again, and could
// lead in the same term once more, with other entries.
func (l *loop) askForVotes(votes []*pb.Message) {
	if len(votes) > 0 {
		l.write(&pb.Message{Type: pb.MsgStorageAppend.Enum(), Responses: votes})
	}
}

// follow notes who leads and in which term.
func (l *loop) follow(rd raft.Ready) {
	term, leader, leading := l.term, l.leader, l.leading
	if rd.HardState != nil {
		term = rd.HardState.GetTerm()
	}
	if rd.SoftState != nil {
		leader = rd.SoftState.Lead
		leading = rd.SoftState.RaftState == raft.StateLeader
	}
	if term == l.term && leader == l.leader && leading == l.leading {
		return
	}
	switch {
	case leading && !l.leading:
		l.log.Info().Uint64("term", term).Msg("leading")
	case l.leading && !leading:
		l.log.Info().Uint64("term", term).Msg("no longer leading")
	case leader != 0 && leader != l.leader:
		number, _ := l.peers.numberOf(leader)
		l.log.Info().Uint64("term", term).Int("member", number).Msg("following")
	}
	if term != l.term || leading != l.leading {
		l.inFlight, l.raised = 0, nil
		l.intake.begin(term)
	}
	l.term, l.leader, l.leading = term, leader, leading
	number, ok := l.leaderNumber()
	l.roles.set(Role{Term: term, Leading: leading, Leader: number, HasLeader: ok})
	l.publish()
	l.reads.again()
}

// leaderNumber gives the number of the leader. We know our own, even if nobody has
// made us a member yet: a server that ran alone leads before it has others.
func (l *loop) leaderNumber() (int, bool) {
	if l.leading {
		return l.peers.number, true
	}
	return l.peers.numberOf(l.leader)
}

// committed counts the batches that have arrived.
func (l *loop) committed(entries []*pb.Entry) {
	for _, e := range entries {
		if e.GetTerm() == l.term && e.GetType() == pb.EntryNormal && len(e.GetData()) > 0 && l.inFlight > 0 {
			l.inFlight--
		}
	}
}

// propose makes batches of what was forwarded and of the backlog. A batch that
// raft does not take, since we do not lead, was not written anywhere, and its
// commands stay where they are.
func (l *loop) propose() {
	for l.leading && l.inFlight < maxInFlight {
		m := l.intake.merge(func(limit int) []Command { return l.backlog.peek(l.term, limit) }, l.batchLimit)
		if len(m.commands) == 0 {
			return
		}
		l.time = max(l.time, time.Now().UnixMilli())
		if err := l.raft.Propose(encodeBatch(l.term, l.time, m.commands)); err != nil {
			l.log.Debug().Err(err).Msg("batch not taken")
			return
		}
		l.backlog.sent(m.own, m.origin, l.term)
		l.intake.drop(m.others)
		l.inFlight++
		l.ready()
	}
}
