// Package zkbench holds this server against Apache ZooKeeper: the same requests
// from the same client to both, in turns, in one run on one machine.
//
//	report, err := zkbench.Run(ctx, zkbench.Config{Program: "bin/mw"}, progress)
//
// Each row is measured in several rounds. In a round both servers are measured
// right after each other, and who is first alternates. What is shown is the
// median of each and the ratio of the medians: absolute figures tell more about
// the machine than about the servers.
//
// Both run as processes with their own default settings: every write is synced
// before it is acknowledged, Apache ZooKeeper is that of Debian's package with
// its default heap, and limits on connections, which would end the measurement,
// are lifted. The client is this process, which takes its share of the same
// CPUs. That makes ratios smaller than the servers' own.
//
// # What a row is
//
// A row is an operation and a shape, connections × requests in flight on each,
// in a closed loop: the next request leaves when an answer comes. Values have
// 100 bytes, except in a multi of 100, where it is 100 creates. "mix" is nine
// gets to a set. Before a group of rows both servers are warmed up with the
// same operation, as a JVM is slow at first.
//
// Two pairs of rows show what a snapshot does to the latency of who writes
// meanwhile: the same requests beside a tree of a fifth of the large one's znodes,
// to servers that are told to take a snapshot after every few writes, and so write
// one after the other all the time, and to servers that are told to take none.
// Whose snapshots take less time writes more of them in a row, and the client has
// to share the processors with them.
//
// # Ensembles
//
// [RunEnsemble] measures three servers of each, with connections to all members
// for writes and to the followers for reads, and the loss of a leader: a client of
// another member and one of the leader write one value after the other, and connect
// again at once when they have to.
package zkbench
