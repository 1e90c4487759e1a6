// Package difftest holds our server against Apache ZooKeeper: both are sent the
// same random requests, and everything they say is compared.
//
//	s := difftest.Generate(difftest.Plain, seed, 100)
//	theirs, err := difftest.Run(apache.Addr(), root, s)
//	ours, err := difftest.Run(server.Addr(), root, s)
//	if m := difftest.Compare(s, theirs, ours); m != nil { … }
//
// # A stream
//
// Four clients open, lose and take up sessions, cut connections, and send requests,
// one at a time or several in flight. Nearly all are about a dozen znodes, so that
// most find what they name; one in twenty-five is damaged, and paths, ACLs, modes,
// versions and parts of a multi are now and then what no client sends. Only one
// client acts at a time: what several do at once has no one right answer.
//
// # What is compared
//
// The stream of frames of every connection, in its order: replies with code, header
// zxid and all fields, events between them, and where the connection ends. Zxids
// count from the run's start, so that each write, a failed one too, must take as
// many as the reference's. Session ids have names in the order they were given.
// Times must be of now, and one zxid must have one time. What has no order (names
// of children) is sorted. When all sessions are closed, every znode that is left is
// compared with its data, ACL and stat.
//
// A run works below a path of its own, so that one server serves all seeds. The few
// znodes that runs share (the root, /zookeeper, its quotas) are told as they have
// changed since the run began.
//
// A stream is for servers of a [Profile]: most for those with default settings, some
// for those that enforce quotas and have a super user, and some for those with TLS,
// whose clients have certificates.
//
// [Differences] lists what is not compared, and why.
//
// # Replay
//
//	make interop                                            20,000 requests
//	MW_INTEROP=1 go test ./zkserver/difftest -v -run Interop \
//		-diff.seeds 2000 -diff.requests 200000 -timeout 1h  the long run
//	… -diff.follower 1                                      every seed on a follower of three, too
//	… -diff.guarded 1 -diff.secure 1                        and with enforced quotas, and over TLS
//	… -diff.seed 42 -diff.seeds 1 -diff.requests 100        one seed
//
// A mismatch is printed with its seed and the least stream that shows it.
package difftest
