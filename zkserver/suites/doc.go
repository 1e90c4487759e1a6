// Package suites runs the client libraries of other languages, and the recipes
// written with them, against our server and against Apache ZooKeeper. Each program
// below testdata does a list of checks and says how each went; a check must go
// alike on both. What is in them:
//
//	kazoo    Python: python3-kazoo of Debian
//	curator  Java: libcurator-recipes-java of Debian, and the client below it
//	c        libzookeeper_mt of Debian
//	node     node-zookeeper-client of npm
//	gozk     the tests of the module github.com/go-zookeeper/zk itself
//
// All but the last also run with the addresses of three members, of which one is killed and
// started again every few seconds; -suites.churn=3 does so with all of them, several
// times, on both.
//
// The last start servers of their own, by a script that runs ours. What they say
// on Apache ZooKeeper 3.8.0 is in testdata/gozk/reference.txt, because it takes two
// minutes to find out; -suites.gozk does.
package suites
