// Package coordinator is the meeting place of clients, masters and workers: a
// tree of znodes held by a coordination service, which may be mw's own server or
// an Apache ZooKeeper ensemble, 3.5 or later. It is the only package that knows
// the service's client library.
//
//	s, err := coordinator.Connect(ctx, coordinator.Config{Servers: []string{"127.0.0.1:2181"}})
//	…
//	defer s.Close()
//	path, err := s.Create(ctx, coordinator.TaskPrefix, spec.Encode(), coordinator.Sequential)
//	err = s.AwaitExists(ctx, path+"/status")
//
// A [Session] is what a role holds as long as it owns ephemeral znodes; [Client]
// is for those who own none. On it are built followers
// ([Session.FollowChildren], [Session.FollowSequence], [Session.FollowData]), being
// master ([Session.Campaign] gives a [Term]), locks ([Session.Lock]) and groups
// ([Session.Join], [Session.FollowMembers]).
//
// # The tree
//
//	/master                          ephemeral: the active master's address
//	/workers/<instance>              ephemeral: a Registration, or "host:port"
//	/tasks/task-0000000042           a Spec, or the command as plain text; never changed
//	/tasks/task-0000000042/attempt-1 an Attempt; one for each that ended
//	/tasks/task-0000000042/status    a Status; created once, last
//	/assign                          its data version is the master's term
//	/assign/<instance>               made by the worker
//	/assign/<instance>/task-…42      an Assignment: this worker owes this task
//
// Every client of the service can play any role, zkCli too: so each record is
// also understood in the form a person would type.
//
// # The life of a task
//
// It is four writes, each one multi, so that a crash leaves it done or not done:
//
//	submit    client  create /tasks/task- (sequential)
//	assign    master  check term · check /workers/W · check /tasks/T · create /assign/W/T
//	reassign  master  check term · check /workers/W · delete /assign/dead/T · create attempt {lost} · create /assign/W/T
//	report    worker  delete /assign/W/T · create attempt · create status
//
// A master that was deposed without knowing fails the check of its term, and a
// worker whose task was moved fails to delete its assignment: neither can write.
//
// # Guarantees
//
// One Session is one session of the service. When it is lost it is lost for
// ever, and nothing asked of it is executed in another.
//
// A session ends here before it ends there: its lease runs from the sending of
// the last answered probe, for 0.6 of the session timeout, by the monotonic
// clock. When it passes, [Session.Context] ends and nothing more is sent.
//
// A read is repeated until it is answered. A write is sent once: an answer of
// the service is definite, ErrNoServer, ErrTryLater and the end of a context
// before sending mean not executed, and ErrUnknownOutcome means that nobody
// knows, yet. Each call here that writes on its own behalf (Campaign, Lock, Join,
// EnsureTree) resolves the unknown by looking whose znode is there, and waits
// while the service says to try later, as it does while its disk is full.
//
// A follower delivers the current state, then again after changes, after each
// reconnect, and about once a minute: it may skip states, and never the last.
// Watches are hints. Nothing is lost if one does not fire, only late. /tasks,
// which may have tens of thousands of children, is not listed at each change:
// [Session.FollowSequence] tells what came.
//
// # What is bounded
//
// The data of a znode and a multi ([MaxDataBytes], [MaxMultiBytes],
// [MaxMultiOps]), the calls in flight (256), a reply (64 MiB), the paths watched
// (100 KiB of names; further followers poll), the time spent listing a path (a
// quarter), each wait for a server (two thirds of the session timeout), Close
// (one second).
//
// # The client library
//
// github.com/go-zookeeper/zk opens a new session by itself when one expires, and
// sends there what was queued for the old; waits without end for a peer that
// hangs in the handshake; knows no deadline for a call; and loses watches at a
// reconnect, to a data race between the renewal of its watches and answers that
// overtook it. The connection it is given (guard.go) and the dialer (dial.go)
// make up for that: the dialer refuses once the session is over, reads have
// deadlines, and after a reconnect requests are held back until the watches are
// renewed, which also keeps the race detector silent: tests that reconnect run
// under -race like all others. One watch that never fires is kept on every
// session, so that there is always a renewal to wait for.
package coordinator
