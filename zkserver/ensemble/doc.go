// Package ensemble keeps the members' machines alike: it logs batches of
// commands with etcd's raft library and applies them, in one order, on every
// member. A standalone server is an ensemble of one on the same path.
//
//	n, err := ensemble.Open(ensemble.Config{Dir: dir, Machine: m})
//	go n.Run(ctx)
//	<-n.Ready()
//	err = n.Propose(ctx, seq, data) // m.Apply will show n.Origin() and seq
//	err = n.ReadIndex(ctx)          // m has all that was committed before
//
// # The way of a command
//
//	Propose -> backlog -> raft loop -> append thread -> log file
//	                        |    ^----- "on disk" -----'
//	                        '--> apply thread -> Machine.Apply
//
// On a follower what is in the backlog goes to the leader in frames, and comes
// back as part of the leader's batches:
//
//	Propose -> backlog -> raft loop -- frame --> raft loop -> intake -> batch
//	                        ^------- accepted ------'
//
// The raft loop makes a batch, one log entry, of all that is in the backlog
// whenever fewer than two are on their way. So the next batch fills while the
// disk is busy with the ones before, and no command waits for company. The
// append thread writes all that has piled up with one sync.
//
// # Guarantees
//
// A command is applied only when it is on the disk of a majority, and of this
// member. What was applied once is applied again after a restart, in the same
// batches, with the same index, term and time; commands that were logged but
// not yet applied may be applied then, too.
//
// A batch carries the term of the leader that made it and is skipped if it was
// logged in another one. So when the first entry of a term is applied, every
// command of an earlier term that has not been applied never will be. A member
// proposes those of its own again then, before any newer ones: a change of
// leader loses none, executes none twice, and keeps the order of each member's
// commands.
//
// That ends where a member lags so far behind that it is given the state of
// another one: what has become of its commands is not known then, none is
// proposed again, and Origin is another one from there on.
//
// Batch.Time never falls, from one batch to the next, across leaders and
// restarts, whatever the clocks do.
//
// A failed write or sync ends Run with [ErrDisk]; nothing that depends on it
// is ever applied. So does one that hangs for 30 s; a leader hands over the lead
// long before. A full disk makes Propose refuse with [ErrDiskFull] before
// the log has no room; reads go on, and proposals are taken again when there
// is room. Members tell each other of it, see room.go: a leader whose disk is
// full gives the lead to one that has room, and where there is none, or no
// majority with room, all members refuse. A follower whose disk is
// full holds up nobody: when its log has taken what it can it falls behind, and
// catches up when there is room.
//
// # Bounds
//
// The backlog is limited in bytes, and Propose waits; batches on their way, and
// frames of a follower, by number; what was forwarded and what other members
// sent in bytes, and what has no room is dropped and sent again; entries handed
// to the apply thread in bytes, by raft; entries kept in memory in bytes. The
// log is truncated at the second newest snapshot.
//
// # Forming
//
// Members are configured with numbers, the same on all. A new data directory
// draws a random number of its own and belongs to no ensemble. The voter with
// the lowest number founds one when all voters are there and new, or when a
// majority has been for 10 s: it draws the cluster's number and notes the
// directory of each founder. A server that ran alone and is configured as a member
// has its ensemble already, and is to be started within that time if a majority of new
// ones is started beside it; else they are an ensemble without its data, and it ends
// with [ErrSecond]. So does one whose directory was restored from a backup, beside the
// ensemble that goes on. Neither takes part before all others are there and new, or a
// majority has been for 3 s: it would lead alone, and serve, beside others that it does not reach.
// Meanwhile, and while it loads its data, it says that there is an ensemble: see
// load.go. Start it first, and all is well in any order and time. The
// others are told; who comes later claims its number by an entry of the log
// before it takes part. So a number is one directory's, until the ensemble itself
// gives it to another one.
//
// Raft's number of a member is a hash of the cluster, its number and its
// incarnation: 0 for those the ensemble was founded with, the number of the data
// directory for all who came later. What has lost its directory has forgotten
// votes and entries that others rely on, so it is another voter, and never taken
// for what it was.
//
// # Members
//
// The members are part of the replicated state. A change of them is a wish, which
// the leader of the time carries out in steps; each is an entry of the log:
//
//	wish -> learners -> (they get the log) -> final -> (raft's joint state) -> left
//	              '----> abandon, if one does not catch up, or there is no majority
//
// One is carried out at a time. There are two who wish: the machine, while it
// applies a batch ([Batch.Reconfigure]), and the leader: when one with an empty
// directory says hello with the number of a member that has fallen silent; when one
// says hello who is on the list, and was not there; when one that was removed has
// ended. What the machine asks for takes the place of a wish of the leader's, who
// will have the same one again; who is joining by then goes on. All members learn the
// outcome at the same place of the log, and so does the machine.
//
// For a list to be taken more than half of those on it that are to vote must be there,
// as at Apache ZooKeeper. Who is not there is on it, has no vote, and is taken in when
// it comes: until the next change of the list nothing needs it. A server that ran
// alone and is configured with others has all of them on its list, and takes in each.
//
// A member that is removed goes on getting the log, without a vote, and serves its
// clients until it ends. It is given nothing more when it has been silent for three
// seconds, or when another one has come with its number. As all are reached by number,
// it is to be stopped before its number is given to a server at another address.
//
// A server that is to be a member finds the others by saying hello to those it is
// configured with. One that was removed, and ended, is told so when it next makes a
// connection, says one line, and neither leads nor follows any more, until it is
// made a member again. One that was let in, and then not made a member, since the
// change was not made, applies again: until it has been a member that counts it is
// as good as an empty directory. An observer is a learner that stays one.
//
// # Directories of the past
//
// A member that has its directory as it was some time ago, or whose disk has lost what
// was synced, has forgotten votes and entries that others rely on, and does not know it.
// A heartbeat shows it to one that is behind what it has acknowledged to that leader; one
// that has applied what the others went on without, since too many of them had
// forgotten it, sees it by an entry of another term. Either ends with [ErrVoid], and its
// directory is marked and never used again: see void.go. Nothing shows the first to a
// leader that was elected since.
//
// # Who is heard
//
// A connection is that of a member, by the number, the data directory and raft's
// number in the roster, or of a guest. Of guests hellos and their answers are taken
// and nothing else: neither raft's messages nor commands nor snapshots. A guest is
// reached at the address it names, unless a member has its number, for as long as
// its connection lives. The leader remembers guests that say hello as applicants.
// What tells a member from a guest is no secret: to keep out who lies is the
// transport's, by TLS.
//
// A command that the leader cannot decode is not logged as it is: [Config.Check].
// So one of a later version does no harm to members of an earlier one.
//
// # Versions
//
// The programs of an ensemble are replaced one after the other while it serves, so
// that members of two versions live together. What is kept, in the log and in
// snapshots, is of a version that all of them speak: it is part of the replicated
// state, and rises when all that have come are there and speak a later one; one that
// was removed is not waited for, and ends if it does not. Until then a program
// may be taken back; after that an earlier one is refused. See version.go.
//
// Frames have no version. A member drops one of a kind that it does not know, and
// one that is not as long as it knows the kind to be. So the bytes of a kind never
// change, and what a new kind is for is not needed until all members know it.
// The commands in a frame are of a version, as those in the log: [Proposal].
//
// # Snapshots
//
// The machine captures its state between two batches, and the capture is
// written on a goroutine of its own. Open restores the newest snapshot that is
// good. If one is not, it falls back to the one before and a longer part of
// the log.
//
// A member that needs entries which the leader's log no longer has is given a
// snapshot. Raft's message says only which; the file goes in a stream of its
// own, so that no heartbeat waits for it, and the message is given to raft when
// the file is on the disk. If the stream breaks off, it goes on where it was, as
// long as the leader stays the same and its log goes on behind the snapshot; what
// there is of it is lost with the process that takes it. Two are sent at the same
// time at most, and one is received.
//
// # Goroutines
//
// All are started by Run and have ended when it returns: the raft loop, the
// append and apply threads, the snapshot writer, the one that sends snapshots
// with one for each that is sent, one that allocates the next segment of the
// log, and what the transport starts. Each does its work in turns that do not
// wait, so that the tests can run whole ensembles on one goroutine in an order
// that a seed decides: see sim in the tests.
package ensemble
