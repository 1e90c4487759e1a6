// Package zoocfg reads zoo.cfg, the configuration file of Apache ZooKeeper.
//
//	cfg, err := zoocfg.Parse("zoo.cfg", text)
//	if err != nil {
//		return err // zoo.cfg:7: tickTime is "2s", must be a number of milliseconds
//	}
//	for _, w := range cfg.Warnings {
//		log.Print(w) // zoo.cfg:9: maxResponseCacheSize has no effect: replies are not cached
//	}
//
// The file is a Java properties file: key=value, one to a line, with the
// comments, continuation lines and escapes of java.util.Properties. Every key
// of the ZooKeeper 3.8 Administrator's Guide is known, by its name in the file
// and by the name of its Java system property, with or without "zookeeper." in
// front; so what an installation keeps in SERVER_JVMFLAGS can be given, too, by
// [Config.Set].
//
// # What becomes of a key
//
//   - It is honoured: it sets a field of [Config]. Keys that concern an ensemble
//     and say nothing to a single server, such as initLimit, are of this kind.
//   - It is our own: linearizableReads.
//   - It has no effect here: there is one [Warning], which says what happens
//     instead; none if what the key asks for is what happens anyway.
//   - To leave it without effect would make the server less safe than the file
//     says, as with revocation lists that are not looked at: it is an [Error].
//   - Nobody knows it: there is a warning.
//
// The keys are in tables, in honoured.go and without.go.
//
// Parse does no I/O. It never panics, and uses memory in proportion to the text.
package zoocfg
