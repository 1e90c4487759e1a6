// Package admin tells operators about a server in the ways that Apache
// ZooKeeper 3.8 does, so that what monitors it need not change:
//
//	four-letter words      words.go, monitor.go    text on the client port
//	AdminServer            commands.go, http.go    JSON at /commands
//	Prometheus             prometheus.go           text at /metrics
//
// All three are made from one [Report], which a [Source] fills in:
//
//	admin.Write(conn, "srvr", source)
//	http.Serve(l, admin.Handler(source, "/commands"))
//	http.Serve(l, admin.MetricsHandler(source, true))
//
// # The names of metrics
//
// mntr, /commands/monitor and /metrics have every name that the reference has
// when it stands alone, in mntr with zk_ before it. Many belong to stages that
// do not exist here, such as the commit processor: nothing ever happens there,
// and they are 0, as they are in the reference when it is idle. What does happen
// here but is not measured is not shown at all: see unmeasured in monitor.go.
//
// # Where it differs from Apache ZooKeeper
//
//   - The version has the date in the form MM/DD/YYYY HH:MM ZONE, which is the
//     one that the Go client's FLWSrvr reads.
//   - gtmk and stmk, the trace mask of Java's log, are not there.
//   - dump groups sessions and connections by the second in which they would
//     expire: here that is not in buckets of a tick.
//   - Latencies are measured in microseconds: where a name counts milliseconds
//     its value is rounded, in /metrics it has a fraction.
//   - /commands/system_properties is empty, and initial_configuration shows the
//     file as the Source gives it, who is to hide the values of keys that are
//     secrets.
//
// Nothing here holds a lock or starts a goroutine, and a Source is asked for no
// more than an answer needs.
package admin
