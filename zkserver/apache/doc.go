// Package apache reads and writes the data directory of Apache ZooKeeper 3.x,
// so that a tree can move to this server and back.
//
//	state, err := apache.Read("/var/lib/zookeeper", "")   // newest snapshot, then the log
//	for _, z := range state.Znodes { … }
//	file, err := apache.Write("/var/lib/zookeeper", state)
//
// A server that is running may be read: its newest snapshot and as much of its
// log as is on disk. Nothing that is there is ever changed.
//
// # Files
//
// Both kinds are in the folder version-2, named by a zxid in hexadecimal
// without leading zeros, and are made of jute records as on the wire (see
// package wire): integers big-endian, a buffer or string with an int32 length
// in front, which is −1 for null, a vector with an int32 count.
//
// snapshot.Z is the state at about zxid Z: it was written while the server went
// on, so that it may have parts of later transactions, which the log repeats.
// It may be compressed, with the suffix .gz or .snappy; the latter cannot be
// read here.
//
//	"ZKSN" | int32 version = 2 | int64 database id
//	int32 count | count × (int64 session, int32 timeout in ms)
//	int32 count | count × (int64 number, vector of ACL)
//	per znode:  string path | buffer data | int64 ACL number
//	            int64 czxid mzxid ctime mtime
//	            int32 version cversion aversion | int64 owner pzxid
//	string "/"                                     the end of the znodes
//	int64 Adler-32 of all bytes before | string "/"
//	since 3.6:  int64 zxid | int32 version | int64 digest, and the sum again
//
// The root's path is "". cversion counts creates of children only; what clients
// see is made of it and the number of children. ACL number −1 is
// world:anyone:cdrwa. owner is the session of an ephemeral znode, −2⁶³ of a
// container, and 0xff00 and 48 bits of milliseconds of a znode with a time to
// live.
//
// log.Z has the transactions from Z on, and behind them zeros up to the size
// that was allocated:
//
//	"ZKLG" | int32 version = 2 | int64 database id
//	per transaction:  int64 Adler-32 of the record | buffer record | "B"
//	record:           int64 session | int32 cxid | int64 zxid | int64 time
//	                  int32 type | the type's record | since 3.6 a digest
//
// # What is refused
//
// Snapshots without any log: the log is elsewhere. A snapshot whose sum is wrong
// is passed over for the one before it. Then the
// log must go on from there: a transaction whose sum is wrong, and one that is
// missing between two others of one epoch, are errors that name the file. A log
// that ends in the middle of a transaction ends before it: that one was never
// acknowledged. The server goes on in a new file then.
//
// A znode that came while the snapshot was written may have an ACL number that is
// not in it: the log, which has the znode's making, must say the ACL.
package apache
