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
// command of an earlier term that has not been applied never will be.
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
// The backlog is limited in bytes, and Propose waits; batches on their way by
// number; entries handed to the apply thread in bytes, by raft; entries kept
// in memory in bytes. The log is truncated at the second newest snapshot.
//
// # Snapshots
//
// The machine captures its state between two batches, and the capture is
// written on a goroutine of its own. Open restores the newest snapshot that is
// good. If one is not, it falls back to the one before and a longer part of
// the log.
//
// # Goroutines
//
// All are started by Run and have ended when it returns: the raft loop, the
// append and apply threads, the snapshot writer, and one that allocates the
// next segment of the log.
//
// # Not yet
//
// A node is the only voter. Transport and membership will be added: messages
// to other members are what the raft loop drops in ready.
package ensemble
