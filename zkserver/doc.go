// Package zkserver is a coordination server that speaks the client protocol of
// Apache ZooKeeper 3.8: unmodified clients cannot tell the difference.
//
//	s, err := zkserver.Open(zkserver.Config{Listen: "127.0.0.1:2181", Dir: "data"})
//	if err != nil {
//		return err
//	}
//	return s.Run(ctx) // until ctx ends
//
// # The way of a request
//
//	      listen.go            a TLS handshake first, where it is spoken (tls.go, package certs)
//	           │
//	        conn.go            one goroutine reads, one writes, per connection
//	           │
//	      handshake.go         a session, or a four-letter word (words.go)
//	           │
//	       receive.go          frames, back-pressure
//	           │
//	      dispatch.go          the table of ops
//	   ┌───────┼────────┐
//	read.go  sync.go  write.go         sync.go has reads, too, if all are linearizable
//	   │       │        │      the request's bytes, the session, who asks
//	   │       │     package ensemble       replicates, orders, fsyncs
//	   │       │        │
//	   │       │    replica.go              applies: session check, package tree
//	   │       │        │
//	   │       │     package watch          who is to be told
//	   └───────┴────────┤
//	                reply.go                frames out, queue.go: in which order
//	                    │
//	                 send.go                one write for all that is ready
//
// What operators are told of all this, package admin says in the words of Apache
// ZooKeeper, from what stats.go counts, timed.go measures and operators_report.go
// collects.
//
// The goroutines: one accepts at each port (listen.go), two serve each connection
// (conn.go), one applies (package ensemble calls [replica.Apply]), one notices
// silent sessions (expiry.go), one removes containers and TTL znodes (sweep.go),
// one runs the ReadIndexes that syncs, and reads if they are to be linearizable,
// wait for (sync.go), one looks after what clients cost (pressure.go), one keeps in
// touch with the leader (standing.go), and some answer operators over HTTP
// (operators.go).
// All of them are started and awaited by [Server.Run].
//
// # Guarantees
//
//   - A write is answered when it is on disk, and never before. Its outcome is
//     decided when it is applied, from the state that all writes before it left.
//   - Requests of one connection take effect and are answered in the order they
//     were sent. A read waits for earlier writes of its own connection and for
//     nothing else, or with [Config].LinearizableReads for a ReadIndex, too; a
//     write waits for earlier reads.
//   - A multi is done as a whole: no read sees a part of it.
//   - A watch that a read sets sees every change after what the reply shows. An
//     event is sent before any reply that shows its change, and before the reply
//     to the write that made it.
//   - The zxid a client is shown never falls. A failed write has one, too.
//   - Sessions survive connections and restarts of the server. A session ends
//     when its client closes it or is silent for the session's timeout, while
//     the server was listening: after a start, or when the server itself was
//     stopped for a while, every session has its full timeout again.
//   - A client that has seen something on one member is never shown less on
//     another one, and has its session, its ephemeral znodes and its watches there.
//   - No input makes the server panic. What connections, requests, replies and
//     watches may take of its memory has its bounds in limits.go and [Config].
//     The tree has none but the quotas that are set, and only where they are
//     enforced: see [Config].EnforceQuotas.
//
// # How the guarantees are kept
//
// One lock, replica.mu, divides reads from applies. Apply holds it to write for
// some commands at a time. A read holds it while it reads the tree, adds the
// watch and appends the reply to its connection's output: whatever apply does
// comes wholly before or wholly after. Apply appends events and replies to the
// outputs under the same hold in which it changes the tree.
//
// Each connection has a queue of requests not answered yet. Writes are proposed
// without waiting for those before them, but not past a read: a write behind a
// read is held until the read is served, so that the read cannot see it. So the
// write that is applied is always the oldest request of its connection, and its
// reply may be sent at once.
//
// # Sessions of several members
//
// A session is opened, attached to a connection, and closed by commands. So at one
// point of the log all members know which connection is its own: writes of the one
// before are void behind it, and the member that has it closes it there. The member
// that has applied the attach has all that the client can have seen before.
//
// Who is alive is not replicated. The leader remembers when each session was heard
// from, by itself or by the others, who report to it (report.go). A new leader
// knows nothing of that, and gives every session its full timeout and a tick from
// its first entry on; so does one that was stopped for more than a tick. Before
// it proposes the end of a session it has a majority confirm that it leads, and
// what it proposes is void in another term (expiry.go).
//
// A sync is answered only when the leader has heard, after it came, that the client
// lives (sync.go), and not when its session's end is already proposed: a client whose
// syncs are answered has its session until the timeout is over from the sending of the
// last one. Reads and pings, which a follower
// answers by itself, do not promise that.
//
// With [Config].LinearizableReads a member answers what shows the state of the tree
// as it does a sync: all reads and syncs that have come when a ReadIndex is sent
// share it, and those that come meanwhile the next. So they are linearizable together with all
// writes, promise the session's time as a sync does, and wait as long as one does
// where no leader answers: until the client is sent away. The settings of the other
// members do not matter.
//
// A member whose reports no leader answers for 3 s, or for half of a session's
// timeout, closes its clients' connections, who may do better elsewhere. Until then
// they wait, and notice nothing of a change of leader: what was forwarded in vain is
// forwarded again. What they wait for when they are sent away may yet be done, but
// not after they have come back (standing.go). With [Config].ReadOnlyMode those who
// ask for it are served from what is there (readonly.go).
//
// A member that lags so far behind that it is given the state of another one closes
// all connections: what has become of their requests and watches is not known.
//
// Lock order: replica.mu, then conn.mu or liveness.mu, then replica.watchMu,
// stats.mu or reports.mu.
//
// # Commands
//
// What is replicated is a command, big-endian, fields behind a uvarint length
// in brackets:
//
//	1  request  | session 8B | attach 4B | [identities] | request bytes
//	   of the first version: without containers, TTL znodes and quotas
//	2  create   | session 8B | timeout 4B, in ms
//	3  attach   | session 8B | timeout 4B, in ms
//	   of the first version, which held whatever the count was
//	4  expire   | session 8B | attach 4B
//	   of the first version, which knew of no term
//	5  key      | secret
//	6  request  | session 8B | attach 4B | rules 1B | [identities] | request bytes
//	7  sweep    | unused 8B, in ms | path
//	8  expire   | session 8B | attach 4B | term 8B
//	9  attach   | session 8B | timeout 4B, in ms | attach 4B
//
// identities are pairs of fields, scheme and id. The request bytes are the
// client's frame: xid, op, body, as it came but for what prepare.go makes of it. The rules are [tree.Rules], and 128 for
// reconfiguration enabled: what the member that took the request in was configured
// to allow. Attach counts how often a session was attached to; a request, an
// expiry or another attach from before the last time is void. An expiry is void,
// too, in any term but the one in which the leader saw that the session was silent:
// the leader of the next one knows nothing of that, and has given it its full time.
// The secret, of which only the first counts, makes the sessions' passwords.
//
// A command of kind 1, 2, 4, 6, 7 or 8 takes a zxid, whatever comes of it: the epoch,
// which rises with each raft term, in the high half, and a count in the low half.
//
// # Snapshots
//
//	version 1B = 2 | keyed 1B | term 8B | zxid 8B | sessions | tree
//
// with the sessions as [session.Table.Append] and the tree as
// [tree.Capture.WriteTo] write them. keyed is 1 once the secret is set. In
// version 1 the stats of quotas are not counted.
//
// A backup is a snapshot at one zxid that was read from a running server:
//
//	"mw back" | version 1B = 1 | time 8B, ms | snapshot | CRC-32C 4B of all before
//
// # Where the time goes
//
// `mw bench server` measures it. With 64 connections and one request each, a write
// takes the server about 36 µs of CPU on the machine this was written on, with
// others at work there: 45 % of that in system calls (26 % writing answers to
// sockets, 12 % reading requests, the rest the log), 11 % applying it to the tree,
// the rest waking goroutines. Nothing can be gathered there: each request comes
// and is answered by a system call of its own, and that is the limit. With 64
// requests in flight on each connection, one read brings dozens of requests, one
// sync covers hundreds of writes and one write answers dozens, and a write takes 6
// µs, most of it in the tree and the allocator; the limit is then the one goroutine
// that applies. A single client that waits for each answer waits for the disk's
// sync (0.1 ms) and two hand-overs between goroutines. The garbage collector takes
// a quarter of the time while a tree grows to a million znodes: that is the price of
// giving it only a quarter of the heap as room (collector.go).
//
// Linearizable reads of a follower ([Config].LinearizableReads) wait for the leader
// and go through a queue: on one machine, by `mw bench ensemble --only get` with
// MW_SERVER_LINEARIZABLE_READS set and not, half as many a second (0.4 to 0.6 times), at three
// times the CPU time of all members, half of them answered within 3 to 4 ms where
// plain ones are within 1 to 2 ms.
//
// A start reads the newest snapshot on all CPUs, once, about 1 s of CPU time for a
// million znodes, and then applies the log after it, at most 64 MiB or half a
// snapshot, at about 2 µs an operation. Of the second nearly half is fresh memory,
// page faults and the allocator; a fifth hashes, of paths for their places and of
// all for the digest; a seventh links children to their parents; a tenth reads the
// file and its sums. Nothing is collected meanwhile, nor for the log, until a
// quarter more memory is in use.
//
// # Where it differs from Apache ZooKeeper
//
//   - A stranger with a wrong password does not cut off a session's connection.
//   - What is no quota cannot be written as one, and the root has none: both
//     are answered BadArguments. In 3.8.0 they are taken, and stop the server.
//   - A hard quota holds within a multi, too: each of its operations counts for
//     those after it.
//   - createTTL with a mode that has no TTL is answered BadArguments, whatever
//     the TTL. One below 0 stops Apache ZooKeeper.
//   - TTL znodes can be created unless [Config] says otherwise.
//   - checkWatches tells a client of its own watches only, and not whether
//     anyone watches the path.
//   - An ip ACL may be of IPv6.
//   - In an ACL of scheme x509 a comma that stands between quotes may be answered
//     InvalidACL. Escaped by a \ it is part of the name.
//   - A client whose last zxid a member does not have waits for it to come; Apache
//     ZooKeeper refuses it at once.
//   - In read-only mode a session that is not known is closed without a word, and
//     not refused: it may be known to the others.
//   - Session ids are random but for the member's number, so that they cannot be
//     guessed.
//   - setWatches tells a client nothing of a znode it may not read, and neither
//     do events.
//   - A request that would be one watch too many is answered OperationTimeout; a
//     setWatches that would be ends the connection. It is one too many, too, if
//     the paths that all connections watch would come to more than 1 GiB.
//   - A client that takes more than a second over a request of more than 16 KiB
//     is cut off while there is no room for those of others: [Config].MaxInput.
//   - A check on its own is answered.
//   - TLS is 1.2 or 1.3, unless [Config] says otherwise, and its files are PEM.
//   - What operators are told differs as package admin says.
//   - An identity of more than 256 bytes, or more than 4 KiB of them on one
//     connection, is answered AuthFailed; an ACL of more than 1,024 entries or
//     64 KiB, once auth is resolved, InvalidACL.
package zkserver
