package ensemble

import (
	"errors"
	"fmt"
	"slices"

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
		reads: newReads(), net: newInbox(), roster: &roster{},
		roles: newRoles(), tells: newTells(), handOver: newHandOver(),
		begun: make(chan struct{}), ready: make(chan struct{}), stopped: make(chan struct{}),
	}
	n.maxCommand = int(log.MaxEntryBytes()) - batchOverhead - commandOverhead
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
	if err := n.cfg.suits(id); err != nil {
		return err
	}
	if _, last := n.wal.Bounds(); last == 0 {
		if err := n.wal.Reset(wal.HardState{Term: bootstrapTerm, Commit: bootstrapIndex}, bootstrapIndex, bootstrapTerm); err != nil {
			return err
		}
	}
	n.id, n.directory = id, id.directory
	if !id.founded() {
		return nil // Run finds the others first
	}
	close(n.begun)
	return n.openEnsemble()
}

// openEnsemble brings the machine to where the log begins and makes raft, for
// a member that belongs to an ensemble.
func (n *Node) openEnsemble() error {
	n.storage = &storage{log: n.wal, recent: ring{limit: recentBytes}}
	n.roster.set(n.id.servers)
	n.peers = &peers{self: n.id.member, number: n.id.number, transport: n.cfg.Transport}
	for _, s := range n.id.servers {
		n.peers.members = append(n.peers.members, peer{memberID(n.id.cluster, s.number, 0), s.number})
	}
	start, conf, err := n.restore(n.id.conf())
	if err != nil {
		return err
	}
	return n.assemble(n.id, start, conf)
}

// assemble makes raft and the threads around it, at the position of the
// machine.
func (n *Node) assemble(id identity, start position, conf *pb.ConfState) error {
	hard := n.wal.HardState()
	// What is committed is not synced each time, so a snapshot may know better.
	commit := max(hard.Commit, start.index)
	n.storage.conf = conf
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
		id: id, log: n.cfg.Log, roles: n.roles, tells: n.tells, handOver: n.handOver, hear: n.cfg.Hear,
		single:     slices.Equal(conf.GetVoters(), []uint64{id.member}) && len(conf.GetLearners()) == 0,
		batchLimit: min(maxBatchBytes, n.maxCommand), maxCommand: n.maxCommand,
		term: hard.Term, replayed: commit,
	}
	n.reads.applied = start.index
	n.loop.publish()
	n.append = newAppender(n.loop.append, n.storage, n.deliver, n.cfg.Log)
	n.append.done = func(messages int) { n.loop.stall.done.Add(uint64(messages)) }
	n.append.restore = func(s *pb.Snapshot, responses []*pb.Message) {
		n.loop.apply.put(&pb.Message{Snapshot: s, Responses: responses})
	}
	n.snaps = newSnapshots(n.storage, n.roster, n.cfg.SnapshotEntries, n.cfg.SnapshotBytes, n.cfg.Log)
	n.loop.unused = func(index uint64) { n.snaps.received.CompareAndSwap(index, 0) }
	n.apply = &applier{
		in: n.loop.apply, machine: n.cfg.Machine, deliver: n.deliver, snapshots: n.snaps, log: n.cfg.Log,
		backlog: n.backlog, roster: n.roster, load: n.restoreSnapshot, restored: n.append.resume,
		position: start, startTerm: hard.Term,
	}
	if n.loop.single {
		n.apply.ready = n.ready
	} else {
		n.reads.add(n.ready)
	}
	return nil
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
