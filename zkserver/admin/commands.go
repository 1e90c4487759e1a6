package admin

import (
	"math"
	"strconv"
	"time"
)

// A command is one of the AdminServer's. (ZooKeeper Administrator's Guide, "The
// AdminServer".)
type command struct {
	name  string
	other []string // of which the four-letter word
	need  Need
	reset func(Source)
	run   func(*Report) object

	ensemble string // said in place of run by a server that is alone; "" for the same
}

var commands = []command{
	{name: "configuration", other: []string{"conf", "config"}, run: configuration},
	{name: "connection_stat_reset", other: []string{"crst"}, reset: Source.ResetConns, run: empty},
	{name: "connections", other: []string{"cons"}, need: NeedConns, run: connections},
	{name: "dirs", need: NeedSizes, run: dirs},
	{name: "dump", need: NeedSessions, run: dump},
	{name: "environment", other: []string{"env", "envi"}, need: NeedEnv, run: environment},
	{name: "hash", run: fields(field{"digests", []int{}})},
	{name: "initial_configuration", other: []string{"icfg"}, run: initialConfiguration},
	{name: "is_read_only", other: []string{"isro"}, run: readOnly},
	{name: "last_snapshot", other: []string{"lsnp"}, run: lastSnapshot},
	{name: "leader", other: []string{"lead"}, run: leader, ensemble: "server is not initialized"},
	{name: "monitor", other: []string{"mntr"}, run: monitor},
	{name: "observer_connection_stat_reset", other: []string{"orst"}, run: empty},
	{name: "observers", other: []string{"obsr"}, run: fields(field{"synced_observers", 0}, field{"observers", []int{}})},
	{name: "ruok", run: empty},
	{name: "server_stats", other: []string{"srvr"}, need: NeedSizes, run: serverStats},
	{name: "stat_reset", other: []string{"srst"}, reset: Source.ResetServer, run: empty},
	{name: "stats", other: []string{"stat"}, need: NeedConns | NeedSizes, run: stats},
	{name: "system_properties", other: []string{"sysp"}, run: empty},
	{name: "voting_view", run: votingView},
	{name: "watch_summary", other: []string{"wchs"}, run: watchSummary},
	{name: "watches", other: []string{"wchc"}, need: NeedWatches, run: watchesOfSessions},
	{name: "watches_by_path", other: []string{"wchp"}, need: NeedWatches, run: watchesOfPaths},
	{name: "zabstate", run: zabState},
}

var commandOf = make(map[string]*command)

func init() {
	for i := range commands {
		c := &commands[i]
		commandOf[c.name] = c
		for _, name := range c.other {
			commandOf[name] = c
		}
	}
}

// run carries a command out.
func run(name string, src Source) object {
	c, ok := commandOf[name]
	if !ok {
		return object{{"command", name}, {"error", "Unknown command: " + name}}
	}
	if c.reset != nil {
		c.reset(src)
	}
	r := src.Report(c.need)
	if !r.Serving && c.name != "ruok" {
		return object{{"command", c.name}, {"error", "This ZooKeeper instance is not currently serving requests"}}
	}
	if c.ensemble != "" && r.Quorum == nil {
		return object{{"error", c.ensemble}, {"command", c.name}}
	}
	return append(c.run(&r), field{"command", c.name}, field{"error", nil})
}

func empty(*Report) object { return object{} }

// fields answers always the same.
func fields(all ...field) func(*Report) object {
	return func(*Report) object { return append(object{}, all...) }
}

func configuration(r *Report) object {
	s := &r.Settings
	return object{
		{"client_port", s.ClientPort},
		{"data_dir", s.DataDir},
		{"data_log_dir", s.LogDir},
		{"tick_time", s.Tick.Milliseconds()},
		{"max_client_cnxns", s.MaxClientConns},
		{"min_session_timeout", s.MinSessionTimeout.Milliseconds()},
		{"max_session_timeout", s.MaxSessionTimeout.Milliseconds()},
		{"server_id", s.ServerID},
		{"client_port_listen_backlog", s.Backlog},
	}
}

func connections(r *Report) object {
	plain, secure := connObjects(r, true)
	return object{{"connections", plain}, {"secure_connections", secure}}
}

func connObjects(r *Report, full bool) (plain, secure []object) {
	plain, secure = []object{}, []object{}
	for i := range r.Conns {
		c := &r.Conns[i]
		if c.TLS {
			secure = append(secure, connObject(c, full))
		} else {
			plain = append(plain, connObject(c, full))
		}
	}
	return plain, secure
}

func connObject(c *Conn, full bool) object {
	o := object{
		{"remote_socket_address", c.Addr},
		{"interest_ops", c.interest()},
		{"outstanding_requests", c.Outstanding},
		{"packets_received", c.Received},
		{"packets_sent", c.Sent},
	}
	if !full || c.Session == 0 {
		return o
	}
	return append(o, object{
		{"session_id", c.Session},
		{"last_operation", c.LastOp},
		{"established", c.Established.UnixMilli()},
		{"session_timeout", c.Timeout.Milliseconds()},
		{"last_cxid", c.LastXid},
		{"last_zxid", c.LastZxid},
		{"last_response_time", c.LastReply.Milliseconds()},
		{"last_latency", c.Last.Milliseconds()},
		{"min_latency", c.Min.Milliseconds()},
		{"avg_latency", c.Avg.Milliseconds()},
		{"max_latency", c.Max.Milliseconds()},
	}...)
}

func dirs(r *Report) object {
	return object{{"datadir_size", r.DataDirSize}, {"logdir_size", r.LogDirSize}}
}

func dump(r *Report) object {
	expiry, owned := object{}, object{}
	for _, g := range byExpiry(r.Sessions, func(s Session) time.Time { return s.Expires }) {
		var ids []int64
		for _, s := range g {
			ids = append(ids, s.ID)
		}
		expiry = append(expiry, field{strconv.FormatInt(g[0].Expires.Unix()*1000, 10), ids})
	}
	for _, s := range r.Sessions {
		if len(s.Ephemerals) > 0 {
			owned = append(owned, field{strconv.FormatInt(s.ID, 10), s.Ephemerals})
		}
	}
	return object{{"expiry_time_to_session_ids", expiry}, {"session_id_to_ephemeral_paths", owned}}
}

func environment(r *Report) object {
	var o object
	for _, p := range r.Env {
		o = append(o, field{p.Key, p.Value})
	}
	return o
}

func initialConfiguration(r *Report) object {
	return object{{"initial_configuration", r.Settings.File}}
}

func readOnly(r *Report) object { return object{{"read_only", r.ReadOnly}} }

func lastSnapshot(r *Report) object {
	at := int64(0)
	if !r.SnapshotTime.IsZero() {
		at = r.SnapshotTime.Unix()
	}
	return object{{"zxid", strconv.FormatUint(uint64(r.SnapshotZxid), 16)}, {"timestamp", at}}
}

func monitor(r *Report) object {
	var o object
	for m := range metrics(r) {
		o = append(o, field(m))
	}
	return o
}

func serverStats(r *Report) object {
	sizes := object{{"last_buffer_size", r.LastOut}, {"min_buffer_size", r.MinOut}, {"max_buffer_size", r.MaxOut}}
	return object{
		{"version", r.Version},
		{"read_only", r.ReadOnly},
		{"server_stats", object{
			{"packets_sent", r.Sent},
			{"packets_received", r.Received},
			{"fsync_threshold_exceed_count", r.Counters["fsync_threshold_exceed_count"]},
			{"client_response_stats", sizes},
			{"data_dir_size", r.DataDirSize},
			{"log_dir_size", r.LogDirSize},
			{"provider_null", false},
			{"server_state", r.Mode},
			{"last_processed_zxid", r.Zxid},
			{"outstanding_requests", r.Outstanding},
			{"avg_latency", math.Round(r.Latency.Avg()*1e4) / 1e4},
			{"max_latency", whole(r.Latency.Max)},
			{"min_latency", whole(r.Latency.Min)},
			{"num_alive_client_connections", r.Open},
			{"uptime", r.Uptime.Milliseconds()},
			{"auth_failed_count", r.Counters["auth_failed_count"]},
			{"non_mtlsremote_conn_count", 0},
			{"non_mtlslocal_conn_count", 0},
		}},
		{"client_response", sizes},
		{"node_count", r.Znodes},
	}
}

func stats(r *Report) object {
	plain, secure := connObjects(r, false)
	return append(serverStats(r), field{"connections", plain}, field{"secure_connections", secure})
}

func watchSummary(r *Report) object {
	return object{{"num_connections", r.DataWatched}, {"num_paths", r.DataPaths}, {"num_total_watches", r.DataWatches}}
}

func watchesOfSessions(r *Report) object {
	o := object{}
	for _, g := range watchesBySession(r.Watches) {
		var paths []string
		for _, w := range g {
			paths = append(paths, w.Path)
		}
		o = append(o, field{strconv.FormatInt(g[0].Session, 10), paths})
	}
	return object{{"session_id_to_watched_paths", o}}
}

func watchesOfPaths(r *Report) object {
	o := object{}
	for _, g := range watchesByPath(r.Watches) {
		var ids []int64
		for _, w := range g {
			ids = append(ids, w.Session)
		}
		o = append(o, field{g[0].Path, ids})
	}
	return object{{"path_to_session_ids", o}}
}
