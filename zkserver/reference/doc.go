// Package reference runs Apache ZooKeeper from Debian's package, as the reference
// that our server is held against.
//
//	reference.Need(t) // installs it with apt-get when it is not there
//	ref := reference.Start(t)
//	conn, err := net.Dial("tcp", ref.Addr())
//
// An ensemble of three is
//
//	ref := reference.StartEnsemble(t, 3)
//	ref.Leader(t).Kill()
//
// It is for tests that run only with MW_INTEROP set; without it they skip and say
// what was left out.
package reference
