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
// is ever applied. A full disk makes Propose refuse with [ErrDiskFull] before
// the log has no room; reads go on, and proposals are taken again when there
// is room.
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
// draws a random number of its own and belongs to no ensemble. The member with
// the lowest number founds one when a majority of new members is there: it
// draws the cluster's number and notes the directory of each founder. The
// others are told; who comes later claims its number by an entry of the log
// before it takes part. So a number is one directory's for ever: a member that
// has lost its directory, and with it votes and entries that others rely on, is
// told so and waits.
//
// Raft's number of a member is a hash of the cluster, its number and its
// incarnation, which is 0 for those the ensemble was founded with.
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
// the file is on the disk.
//
// # Goroutines
//
// All are started by Run and have ended when it returns: the raft loop, the
// append and apply threads, the snapshot writer, the one that sends snapshots
// with one for each that is sent, one that allocates the next segment of the
// log, and what the transport starts. Each does its work in turns that do not
// wait, so that the tests can run whole ensembles on one goroutine in an order
// that a seed decides: see sim in the tests.
//
// # Not yet
//
// The members are those the ensemble was founded with: entries that change them
// stop a member. There is no learner, no new incarnation of a lost member, no
// growth of a server that ran alone. A leader whose disk hangs hands over the
// lead, but does not end itself. The limits of a full disk are each member's
// own.
package ensemble
