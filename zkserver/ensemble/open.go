package ensemble

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
)

// recentBytes is how much of the newest log is kept in memory.
const recentBytes = 16 << 20

// Open takes the data directory, restores the newest snapshot into the
// machine and reads the log. What the log has beyond the snapshot is applied
// by Run. The error is one clear line.
func Open(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	log, err := wal.Open(cfg.logOptions())
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, wal: log,
		reads: newReads(), net: newInbox(), roster: newRoster(),
		roles: newRoles(), tells: newTells(), handOver: newHandOver(), hang: &hang{},
		begun: make(chan struct{}), ready: make(chan struct{}), stopped: make(chan struct{}),
	}
	n.maxCommand = cfg.proposable(log)
	n.backlog = newBacklog(cfg.BacklogBytes)
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
	if id.void != "" && !n.wal.ReadOnly() {
		return voidError(n.cfg.Dir, id.void)
	}
	if err := n.cfg.suits(id); err != nil {
		return err
	}
	if _, last := n.wal.Bounds(); last == 0 {
		if err := n.wal.Reset(wal.HardState{Term: bootstrapTerm, Commit: bootstrapIndex}, bootstrapIndex, bootstrapTerm); err != nil {
			return err
		}
	}
	alone := id.directory == 0
	if id, err = n.enlist(id); err != nil {
		return err
	}
	n.id, n.directory, n.founded = id, id.directory, id.founded()
	n.asks = n.founded && len(n.cfg.Members) > 1 && alone
	n.peers = &peers{number: n.cfg.Number, configured: n.cfg.Members, transport: n.cfg.Transport}
	if !id.founded() || n.asks {
		return nil // Run finds the others first
	}
	return n.load()
}

// openEnsemble brings the machine to where the log begins and makes raft, for
// a member that belongs to an ensemble.
func (n *Node) openEnsemble() error {
	n.storage = &storage{log: n.wal, recent: ring{limit: recentBytes}}
	n.peers.self, n.roster.self = n.id.member, n.id.member
	n.roster.set(n.id.founding())
	start, err := n.restore()
	if err != nil {
		return err
	}
	n.peers.set(n.roster.get())
	return n.assemble(n.id, start)
}

// enlist makes a server that ran alone a member, if it is configured as one. If there
// are others, the directory says so when they have been asked; they learn of it when it
// leads.
func (n *Node) enlist(id identity) (identity, error) {
	if len(n.cfg.Members) == 0 || id.directory != 0 {
		return id, nil
	}
	id.directory, id.number, id.joined = random()|1, n.cfg.Number, bootstrapIndex
	if len(n.cfg.Members) > 1 {
		return id, nil
	}
	n.cfg.Log.Info().Int("member", id.number).Msg("a server that ran alone becomes a member")
	return id, n.wal.SetIdentity(id.encode())
}

// assemble makes raft and the threads around it, at the position of the
// machine.
func (n *Node) assemble(id identity, start position) error {
	hard := n.wal.HardState()
	// What is committed is not synced each time, so a snapshot may know better.
	commit, err := n.committed(max(hard.Commit, start.index))
	if err != nil {
		return err
	}
	n.storage.conf = n.roster.get().conf
	n.storage.least = n.roster.get().index
	n.storage.initial = &pb.HardState{Term: new(hard.Term), Vote: new(hard.Vote), Commit: new(commit)}

	cfg := raftConfig()
	cfg.ID, cfg.Storage, cfg.Applied, cfg.Logger = id.member, n.storage, start.index, raftLogger{n.cfg.Log}
	rn, err := raft.NewRawNode(cfg)
	if err != nil {
		return fmt.Errorf("ensemble: start raft: %w", err)
	}
	n.transfers = newTransfers(n.storage, n.peers, n.net, n.cfg.Log)
	n.loop = &loop{
		raft: rn, in: newMailbox(), net: n.net, append: newMailbox(), apply: newMailbox(),
		backlog: n.backlog, reads: n.reads, peers: n.peers, transfers: n.transfers, roster: n.roster,
		id: id, log: n.cfg.Log, roles: n.roles, tells: n.tells, handOver: n.handOver, hear: n.cfg.Hear, check: n.cfg.Check,
		single: n.roster.get().onlyVoter(id.member), heard: make(map[uint64]uint64), member: isIn(n.roster.get().conf, id.member),
		batchLimit: min(maxBatchBytes, n.maxCommand), maxCommand: n.maxCommand, speaks: n.cfg.Version,
		term: hard.Term, replayed: commit, void: n.void,
	}
	n.reads.applied = start.index
	n.loop.publish()
	n.append = newAppender(n.loop.append, n.storage, n.deliver, n.cfg.Log)
	n.append.hang = n.hang
	n.append.done = func(messages int) { n.loop.stall.done.Add(uint64(messages)) }
	n.append.restore = func(s *pb.Snapshot, responses []*pb.Message) {
		n.loop.apply.put(&pb.Message{Snapshot: s, Responses: responses})
	}
	n.loop.rooms.own = n.ownRoom
	n.hang.behind = func() bool { s := n.Status(); return s.Commit > s.Applied }
	n.snaps = newSnapshots(n.storage, n.roster, n.cfg.SnapshotEntries, n.cfg.SnapshotBytes, n.cfg.Log)
	n.loop.unused = func(index uint64) { n.snaps.received.CompareAndSwap(index, 0) }
	n.apply = &applier{
		in: n.loop.apply, machine: n.cfg.Machine, deliver: n.deliver, snapshots: n.snaps, log: n.cfg.Log,
		backlog: n.backlog, roster: n.roster, load: n.restoreSnapshot, restored: n.append.resume,
		changed: n.changed, understands: n.cfg.understands, position: start, startTerm: hard.Term,
	}
	if n.loop.single {
		n.apply.ready = n.ready
	} else {
		n.reads.add(n.ready)
	}
	return nil
}

// committed is what is known to be committed, given what was said to be. What an
// only voter has on its disk is, up to the entry that gives others a vote: if
// that is behind what was said, they may have used their votes already, and we
// must not lead as if there were only ours.
func (n *Node) committed(said uint64) (uint64, error) {
	_, last := n.wal.Bounds()
	if !n.roster.get().onlyVoter(n.id.member) {
		return said, nil
	}
	for i := said; i < last; {
		entries, err := n.storage.Entries(i+1, last+1, replayBytes)
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			if i = e.GetIndex(); givesVote(e) {
				return i, nil
			}
		}
	}
	return said, nil
}

// changed takes a new membership, of the apply thread's. cc is the entry that
// changes raft's, too, if any.
func (n *Node) changed(m *membership, cc *pb.Entry) {
	n.peers.set(m)
	if cc != nil {
		n.loop.in.put(&pb.Message{Type: pb.MsgStorageApply.Enum(), Entries: []*pb.Entry{cc}})
	}
}

// deliver takes the responses of the append and apply threads to raft, here or
// on another member.
func (n *Node) deliver(messages []*pb.Message) {
	for _, m := range messages {
		if m.GetTo() == n.peers.self {
			n.loop.in.put(m)
		} else {
			n.peers.send(m)
		}
	}
}

// raftConfig is what is the same for every member.
func raftConfig() *raft.Config {
	return &raft.Config{
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             1 << 20,
		MaxCommittedSizePerReady:  8 << 20,
		MaxUncommittedEntriesSize: 64 << 20,
		MaxInflightMsgs:           256,
		MaxInflightBytes:          64 << 20,
		CheckQuorum:               true,
		PreVote:                   true,
		// A batch is stamped with the term of the leader that makes it.
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
	}
}

func (n *Node) logRecovery(r wal.Recovery) {
	if r.Torn != nil {
		n.cfg.Log.Warn().Str("path", r.Torn.File).Stringer("err", r.Torn).Msg("torn tail of the log cut")
	}
	if r.Rewritten != "" {
		n.cfg.Log.Info().Str("path", r.Rewritten).Msg("last segment rewritten after an unclean stop")
	}
}
