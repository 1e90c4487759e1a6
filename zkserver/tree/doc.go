// Package tree is the tree of znodes: what ZooKeeper's data model and its
// rules come to when nothing is going on but one transaction after another.
//
//	t := tree.New()
//	r := t.Apply(tree.Txn{
//		Zxid: 1, Time: now, Session: id, Auth: identities,
//		Op: tree.Create{Path: "/master", Data: addr, ACL: acl, Mode: tree.Ephemeral},
//	})
//	if r.Err == nil {
//		for _, c := range r.Changes { … } // created "/master", children changed "/"
//	}
//
// It does no I/O but to the reader or writer it is given, starts no goroutine
// and reads no clock. Every member of an ensemble applies the same transactions
// in the same order and comes to the same tree, which [Tree.Digest] proves.
//
//	Txn ──▶ Apply ──▶ one ──▶ create, delete, setData, setACL, check
//	          │                  │
//	          ├─▶ multi ─────────┤   notes what is replaced, to put it back
//	          └─▶ closeSession ──┤
//	                             ▼
//	                          replace   1024 shards of path → node,
//	                                    and all that is derived from them
//
// # Guarantees
//
// An operation that fails changes nothing but the last zxid, and a multi is one
// operation in this: afterwards even the sequential counters and the digest are
// what they were.
//
// The reference is ZooKeeper 3.8 (Programmer's Guide, "ZooKeeper Data Model";
// PrepRequestProcessor and DataTree for the order of checks). What a client
// can see is the same but for this: an ACL has at most 1024 entries, and ip ACLs
// may be IPv6.
//
// The znodes that a new tree has below /zookeeper cannot be deleted, and
// /zookeeper/config can be written by super only. Below /zookeeper/quota clients
// set quotas, and find what they use; see quota.go. Unlike in 3.8.0, what is no
// quota is refused there, and the operations of a multi count for those after
// them.
//
// Sizes are the caller's to bound: a path, its data and its ACL may be as large
// as a request.
//
// # Counters
//
// A parent counts the creates of children; that count is the next sequential
// suffix and never falls while the parent lives. Stat.Cversion is creates plus
// deletes, derived as 2·creates − children, so a new root shows −1 for the child
// that nobody created.
//
// # Snapshots
//
// [Tree.Capture] costs next to nothing; see [Capture] for how writes and the
// writing of the snapshot stay out of each other's way. A snapshot is
//
//	+--------+---------+-----+---------+------------+--------+
//	| header | section | ... | section | 16 bytes 0 | footer |
//	+--------+---------+-----+---------+------------+--------+
//
//	header   "mw tree" | version 1B = 1 | last zxid 8B | digest 8B | znodes 8B | crc 4B
//	section  length of records 8B | number of records 4B | crc 4B | records
//	footer   sections 8B | znodes 8B | crc 4B
//
// A section has znodes of one shard, in the order of their paths; the shards are
// in their order. A record is
//
//	path length uvarint | path
//	kind 1B: 0 persistent, 1 ephemeral, 2 container, 3 TTL
//	owner 8B: session or TTL in ms | czxid 8B | mzxid 8B | pzxid 8B | ctime 8B | mtime 8B
//	version 4B | ACL version 4B | creates 4B | children 4B
//	ACL number uvarint: counts up within the section; a new one is followed by
//	    entries uvarint | entries × (permissions 4B | scheme | id), strings with uvarint length
//	data length + 1 uvarint, 0 for null data | data
//
// Integers are big-endian. A crc is CRC-32C of all before it in its header,
// section (without the crc itself) or footer. Children are not written: they
// are known from the paths. The digest is of the znodes read and has to match,
// so a snapshot that [Read] accepts is the tree that was captured.
package tree
