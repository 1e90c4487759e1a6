// Package storm runs ensembles of real server processes, does to them whatever
// happens to machines and networks, and checks what the clients saw: see package
// history.
//
//	make storm FAULTS=200 SEED=7
//
// Between every two members, in each direction, and between the clients and each
// member stands a proxy: each member's list of addresses points at its own ones. So
// bytes can be held back in one direction or both, be late, or connections be
// reset. Processes are killed, stopped and continued, and started again; a disk
// becomes full, where file systems can be mounted, or loses all that is on it. That
// a disk hangs is simulated: see sim_test.go of package zkserver.
//
// The clients are those of go-zookeeper and of kazoo: they write, read, wait for
// events, and own ephemeral znodes. With an odd seed the servers have linearizable
// reads, and no client syncs. After the last fault all members must come to
// hold the same, down to the zxids and times of each znode.
//
// The same is done to Apache ZooKeeper, to see that the checks find nothing where
// nothing is wrong. Faults come from a seed; what the processes make of them is
// the machine's to decide, so that a run with the same seed is alike, not equal.
package storm
