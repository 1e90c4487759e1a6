// Package mwtest runs mw's programs as real processes that may be killed,
// paused and started again, and says what the tree holds afterwards.
//
//	c, err := mwtest.Start(mwtest.Config{Binary: "bin/mw", Dir: t.TempDir()})
//	defer c.Close()
//	m, err := c.StartMaster("m1")
//	w, err := c.StartWorker("w1", 2)
//	w.Kill() // kill -9: its tasks move
//
// Config.Members: 3 makes the service one of three servers, each of which may be
// killed, too: [Cluster.Members].
//
// The demo, the chaos run and the end-to-end tests of this folder are built
// on it. Against an Apache ZooKeeper that already runs, set Config.Servers.
package mwtest
