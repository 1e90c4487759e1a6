// Package watch remembers which connections asked to hear about which znodes.
//
//	t := watch.NewTable()
//	t.Add(watch.Data, "/workers/w1", conn)
//	…
//	for conn := range t.Trigger(watch.Event{Type: watch.Deleted, Path: "/workers/w1"}) {
//		send(conn, …)
//	}
//
// A watch belongs to a connection, not to its session: a client that comes back
// on another connection sets its watches anew. A one-shot watch is a promise to
// tell of one change: [Table.Trigger] removes it.
//
// # Which change fires which watch
//
// A client sets a data watch by reading data or by asking whether a znode
// exists, and a child watch by listing children. The changes are those of one
// znode, and the changes to its parent come as an event of their own. So a
// delete of /a/b is two events: Deleted on /a/b, ChildrenChanged on /a.
//
//	event on /a        data on /a   child on /a   persistent on /a   recursive on /a, on /
//	Created            fires        –             fires              fires
//	Deleted            fires        fires         fires              fires
//	DataChanged        fires        –             fires              fires
//	ChildrenChanged    –            fires         fires              –
//
// One-shot watches go when they fire; persistent and recursive ones stay. A
// connection hears of an event once, however many of its watches it fires.
// (ZooKeeper Programmer's Guide, "ZooKeeper Watches".)
//
// # Guarantees
//
// A watch set by a request that saw zxid z fires for the first matching change
// after z, and for none at or before it, if the caller reads the znode and adds
// the watch under one hold of the lock that keeps transactions out.
//
// As in the reference, a connection has one data and one child watch on a path
// at most. A persistent or recursive watch is both, and the last one set takes
// the place of the one before: a one-shot read with a watch ends a persistent
// data watch on the same path. (ZooKeeper 3.9 keeps both, ZOOKEEPER-4466.)
//
// Whether a connection may hear of a znode is not known here; the caller asks
// the tree (CVE-2024-23944). Nor is there a limit: the caller asks
// [Table.Count] before it adds.
//
// A Table is not safe for concurrent use. It holds no clock and starts no
// goroutine.
package watch
