// Package history checks what the clients of a coordination service saw, whatever
// the service is and whatever was done to its servers meanwhile.
//
//	var ops []history.Op
//	… // each client notes what it did and what came of it
//	for _, v := range history.Check(ops) {
//		t.Error(v)
//	}
//
// # What is written down
//
// One [Op] for each thing a client did, with when it began and ended. An operation
// whose outcome is not known has no end: it may have been done at any later time,
// or never.
//
//	create set delete    of a path by name, which is a register: its value is the
//	                     one that its last write gave it
//	read                 a sync and then a get, on one session; or a get alone, of
//	                     a server whose reads are linearizable
//	peek                 a get alone: what the client's member has
//	sequential           a create whose name the service completes
//	ephemeral            a create that ends with the session
//	list                 a sync and then the names of the ephemeral znodes
//	armed event          a watch was set, and what it was for has come
//	attached closed      the client was given its session, or had it on another
//	                     connection; it ended it
//	expired              the client was told that its session is over
//
// An Op is one line of JSON, so that programs in other languages can write their
// part. Times are of CLOCK_MONOTONIC, which all processes of a machine share.
//
// # What must hold
//
//	registers   writes and reads of each path are linearizable (package porcupine):
//	            so no acknowledged write is lost, done twice or undone, and no read
//	            is older than a write that was acknowledged before it began
//	zxids       writes of any two paths have zxids in the order they were made
//	sessions    what a session is shown never goes back, and its own writes are
//	            in it; on whatever member, and without a sync
//	sequences   names are unique, and in the order of the calls
//	ephemerals  a znode is there while its session lives
//	remains     and never after
//	lives       a session does not expire before its timeout has passed since its
//	            last answered write, unless it had been silent for so long before; a
//	            quarter of it may be missing, since what a client says to a member
//	            that dies then is known to nobody else
//	leases      a session does not expire before all of its timeout has passed
//	            since it was attached, or since a sync was sent that was answered
//	            before the time of the one before was over
//	watches     the event comes before any answer that shows the change
//
// That what is there at the end is the same on all members, is all that was made,
// and has no ephemeral znode in it, is for who has the members.
package history
