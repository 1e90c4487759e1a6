// Package difftest holds our server against Apache ZooKeeper: both are sent the
// same random requests, and everything they say is compared.
//
//	s := difftest.Generate(seed, 100)
//	theirs, err := difftest.Run(apache.Addr(), root, s)
//	ours, err := difftest.Run(server.Addr(), root, s)
//	if m := difftest.Compare(s, theirs, ours); m != nil { … }
package difftest
