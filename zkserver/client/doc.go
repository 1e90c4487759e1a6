// Package client is a small, complete client of ZooKeeper's protocol: one
// session over one connection at a time, every op of ZooKeeper 3.8, and watches
// that survive a new connection. `mw zk` and the benchmarks are built on it.
//
//	c, err := client.Dial(ctx, client.Config{Servers: []string{"127.0.0.1:2181"}})
//	if err != nil { … }
//	defer c.Close()
//	path, err := c.Create(ctx, "/app", []byte("one"), wire.FlagPersistent, client.OpenACL)
//	data, stat, err := c.Get(ctx, "/app", true) // the change comes to Config.OnEvent
//
// # Many requests in flight
//
// [Client.Send] queues a [Call] and returns; its Done is called when the reply is
// there. Requests leave in the order of Send, as many in one write as have
// gathered meanwhile, and Send waits while [Config.MaxInFlight] are unanswered.
// A Call and its records may be used again from Done on, so that a loop of
// requests allocates nothing.
//
//	Send ──> out ──> write loop ──> server ──> read loop ──> Call.Done
//	              (pings when idle)                     └──> Config.OnEvent
//
// # Order
//
// The read loop calls Done and OnEvent one at a time in the order the frames
// came: what the server says came first is heard first. Both must not block, nor
// wait for another call of the same client.
//
// # Connections and sessions
//
// When the connection ends every request in flight fails with [ErrConnectionLost]:
// whether it was done is not known. The client then tries the servers in turn
// until it is attached to its session again, gives the new connection its auth
// identities and its watches (setWatches2, with the newest zxid it saw), and goes
// on. Requests sent meanwhile wait. When a server answers that the session has
// expired, or refuses an identity, the client is at its end: [Client.Run] returns
// [ErrSessionExpired] or [ErrAuthFailed], and so does every call.
//
// # Goroutines
//
// [Client.Run] connects, and starts a write loop and a read loop for each
// connection; it returns after both have. [Dial] starts Run in a goroutine, which
// [Client.Close] ends.
//
// Source: the ZooKeeper Programmer's Guide, "ZooKeeper Sessions" and "ZooKeeper
// Watches"; the behaviour of Apache's Java client 3.8 where they are silent. Unlike
// that client, requests made while there is no connection wait for one, as
// long as their context allows, rather than fail at the next vain attempt.
package client
