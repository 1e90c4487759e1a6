// Package zktest is for tests of programs that use ZooKeeper, as
// net/http/httptest is for those that use HTTP: a real server in the test's
// process, and the faults of the network between it and its clients.
//
//	func TestElection(t *testing.T) {
//		server := zktest.NewServer(t)
//		proxy := zktest.NewProxy(t, server.Addr())
//		client := connect(proxy.Addr())
//		…
//		proxy.SetMode(zktest.Silence) // the client's packets go nowhere
//		…
//		server.Restart() // as after a kill -9
//	}
//
// Everything closes with the test, and leaves no goroutine behind.
//
// [NewEnsemble] starts several servers that are one service:
//
//	e := zktest.NewEnsemble(t, 3)
//	client := connect(e.Addr())
//	…
//	e.Leader().Stop() // another one leads; Restart brings it back
//
// # Virtual time
//
// In a testing/synctest bubble time passes only when every goroutine waits, so
// that an hour of session timeouts takes milliseconds and comes out alike every
// time. Sockets cannot be used there. [NewServer] with [InMemory] listens on a
// [Listener], which is pipes in memory; give [Server.Dial] to the client:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := zktest.NewServer(t, zktest.InMemory)
//		session, err := coordinator.Connect(ctx, coordinator.Config{Dial: server.Dial, …})
//		…
//		time.Sleep(time.Hour) // virtual
//	})
//
// [NewMemoryProxy] puts faults between two Listeners. The log, too, is in memory
// there, on a disk whose power can be cut ([Server.PowerCut]).
//
// # Faults
//
//	SetMode(Pass)         everything goes through
//	SetMode(Refuse)       new connections are refused, old ones go on
//	SetMode(Silence)      no byte moves; it moves when the mode changes
//	SetMode(DropReplies)  requests arrive, replies vanish
//	Cut                   every connection ends now
//	CutAfter              … after so many more bytes, in the middle of a frame
//	SetDelay              every chunk waits for a random time
package zktest
