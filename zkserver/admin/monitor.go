package admin

import (
	"bufio"
	"fmt"
	"iter"
	"math"
)

// A metric is one value of mntr. Its value is an int64, a float64 or a string.
type metric struct {
	name  string
	value any
}

// metrics yields all that mntr has, in the reference's order.
func metrics(r *Report) iter.Seq[metric] {
	return func(yield func(metric) bool) {
		for _, g := range gaugesOf(r) {
			if v := g.value(r); v != nil && !yield(metric{g.name, v}) {
				return
			}
		}
		for _, name := range counters {
			if r.measured(name) && !yield(metric{name, counter(r, name)}) {
				return
			}
		}
		for i, names := range [][]string{basicSummaries, summaries} {
			for _, name := range names {
				if r.measured(name) && !yieldSummary(yield, name, summary(r, name), i > 0) {
					return
				}
			}
		}
	}
}

func writeMonitor(b *bufio.Writer, r *Report) {
	for m := range metrics(r) {
		if x, ok := m.value.(float64); ok {
			m.value = decimal(x)
		}
		fmt.Fprintf(b, "zk_%s\t%v\n", m.name, m.value)
	}
}

// percentiles are those of mntr, and what names them.
var percentiles = []struct {
	name string
	part float64
}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}

func yieldSummary(yield func(metric) bool, name string, s Summary, quantiles bool) bool {
	ok := yield(metric{"avg_" + name, math.Round(s.Avg()*1e4) / 1e4}) &&
		yield(metric{"min_" + name, whole(s.Min)}) &&
		yield(metric{"max_" + name, whole(s.Max)}) &&
		yield(metric{"cnt_" + name, whole(s.Count)}) &&
		yield(metric{"sum_" + name, whole(s.Sum)})
	for i := 0; ok && quantiles && i < len(percentiles); i++ {
		ok = yield(metric{percentiles[i].name + "_" + name, whole(s.At(percentiles[i].part))})
	}
	return ok
}

func counter(r *Report, name string) int64 {
	switch name {
	case "bytes_received_count":
		return r.BytesIn
	case "response_bytes":
		return r.BytesOut
	case "watch_bytes":
		return r.WatchBytes
	}
	if q := r.Quorum; q != nil {
		switch name {
		case "proposal_count", "commit_count":
			return q.ProposalCount
		case "learner_proposal_received_count", "learner_commit_received_count":
			return q.AckedCount
		case "looking_count":
			return int64(q.NoLeader.Count)
		}
	}
	return r.Counters[name]
}

func summary(r *Report, name string) Summary {
	switch name {
	case "readlatency":
		return r.ReadLatency
	case "updatelatency":
		return r.UpdateDelay
	case "election_time", "unavailable_time", "leader_unavailable_time":
		if r.Quorum != nil {
			return r.Quorum.NoLeader
		}
	}
	return r.Summaries[name]
}

// A gauge is a metric that stands alone. One that is nil is not known.
type gauge struct {
	name  string
	value func(*Report) any
}

func zero(*Report) any { return int64(0) }

func fileCount(n int64) any {
	if n < 0 {
		return nil
	}
	return n
}

var gauges = []gauge{
	{"version", func(r *Report) any { return r.Version }},
	{"server_state", func(r *Report) any { return r.Mode }},
	{"ephemerals_count", func(r *Report) any { return int64(r.Ephemerals) }},
	{"num_alive_connections", func(r *Report) any { return int64(r.Open) }},
	{"avg_latency", func(r *Report) any { return math.Round(r.Latency.Avg()*1e4) / 1e4 }},
	{"outstanding_requests", func(r *Report) any { return int64(r.Outstanding) }},
	{"znode_count", func(r *Report) any { return int64(r.Znodes) }},
	{"global_sessions", func(r *Report) any { return int64(r.Alive) }},
	{"non_mtls_remote_conn_count", zero},
	{"last_client_response_size", func(r *Report) any { return r.LastOut }},
	{"packets_sent", func(r *Report) any { return r.Sent }},
	{"packets_received", func(r *Report) any { return r.Received }},
	{"max_client_response_size", func(r *Report) any { return r.MaxOut }},
	{"connection_drop_probability", func(*Report) any { return 0.0 }},
	{"watch_count", func(r *Report) any { return int64(r.WatchCount) }},
	{"auth_failed_count", func(r *Report) any { return r.Counters["auth_failed_count"] }},
	{"min_latency", func(r *Report) any { return whole(r.Latency.Min) }},
	{"max_file_descriptor_count", func(r *Report) any { return fileCount(r.MaxFiles) }},
	{"approximate_data_size", func(r *Report) any { return r.DataBytes }},
	{"open_file_descriptor_count", func(r *Report) any { return fileCount(r.OpenFiles) }},
	{"local_sessions", zero},
	{"uptime", func(r *Report) any { return r.Uptime.Milliseconds() }},
	{"max_latency", func(r *Report) any { return whole(r.Latency.Max) }},
	{"outstanding_tls_handshake", func(r *Report) any { return r.Counters["outstanding_tls_handshake"] }},
	{"min_client_response_size", func(r *Report) any { return r.MinOut }},
	{"non_mtls_local_conn_count", zero},
}

// unmeasured are metrics of what happens here, too, but has no one place where it
// could be measured: 0 would be wrong. Nor are there read_per_namespace and
// write_per_namespace, which have rows for each znode below the root that anyone
// ever asked for: what clients ask for would take memory without bound.
var unmeasured = map[string]bool{
	// The reference's thread that writes the log times each request, from taking
	// it up to having written it. Here the log writes groups of requests, in one
	// piece; the time of a group is in fsynctime.
	"sync_process_time": true,

	// Of finding out, before a close is proposed, which ephemeral znodes it will
	// delete. Here they are found when the close is applied, as part of it.
	"close_session_prep_time": true,

	// A socket is closed here without waiting, by whoever finds that it is to be,
	// some of them the thread that applies writes: to look at the clock would take
	// longer than the close.
	"socket_closing_time": true,
}

// The names below are those of the reference, in its order.

var counters = []string{
	"proposal_count", "watch_bytes", "outstanding_changes_removed", "throttled_ops", "stale_requests_dropped",
	"large_requests_rejected", "insecure_admin_count", "connection_rejected", "cnxn_closed_without_zk_server_running",
	"sessionless_connections_expired", "looking_count", "dead_watchers_queued", "stale_requests", "connection_drop_count",
	"learner_proposal_received_count", "digest_mismatches_count", "dead_watchers_cleared", "response_packet_cache_hits",
	"bytes_received_count", "add_dead_watcher_stall_time", "request_throttle_wait_count",
	"requests_not_forwarded_to_commit_processor", "response_packet_cache_misses", "ensemble_auth_success",
	"prep_processor_request_queued", "learner_commit_received_count", "stale_replies", "connection_request_count", "response_bytes",
	"ensemble_auth_fail", "diff_count", "response_packet_get_children_cache_misses", "connection_revalidate_count",
	"quit_leading_due_to_disloyal_voter", "snap_count", "unrecoverable_error_count", "unsuccessful_handshake", "commit_count",
	"stale_sessions_expired", "response_packet_get_children_cache_hits", "sync_processor_request_queued",
	"outstanding_changes_queued", "request_commit_queued", "ensemble_auth_skip", "skip_learner_request_to_next_processor_count",
	"tls_handshake_exceeded", "revalidate_count",
}

// basicSummaries have no quantiles.
var basicSummaries = []string{
	"socket_closing_time", "proposal_process_time", "leader_unavailable_time", "node_created_watch_count", "session_queues_drained",
	"write_commit_proc_req_queued", "connection_token_deficit", "read_commit_proc_req_queued", "node_deleted_watch_count",
	"startup_txns_load_time", "sync_processor_queue_size", "follower_sync_time", "prep_processor_queue_size", "fsynctime",
	"inflight_snap_count", "reads_issued_from_session_queue", "learner_request_processor_queue_size", "snapshottime",
	"unavailable_time", "startup_txns_loaded", "reads_after_write_in_session_queue", "requests_in_session_queue",
	"write_commit_proc_issued", "prep_process_time", "pending_session_queue_size",
	"time_waiting_empty_pool_in_commit_processor_read_ms", "commit_process_time", "dbinittime", "inflight_diff_count",
	"netty_queued_buffer_capacity", "election_time", "commit_commit_proc_req_queued", "sync_processor_batch_size",
	"node_children_watch_count", "write_batch_time_in_commit_processor", "read_commit_proc_issued",
	"concurrent_request_processing_in_commit_processor", "observer_sync_time", "node_changed_watch_count", "sync_process_time",
	"startup_snap_load_time",
}

var summaries = []string{
	"prep_processor_queue_time_ms", "jvm_pause_time_ms", "close_session_prep_time", "read_commitproc_time_ms", "updatelatency",
	"local_write_committed_time_ms", "request_throttle_queue_time_ms", "readlatency", "quorum_ack_latency",
	"om_commit_process_time_ms", "read_final_proc_time_ms", "commit_propagation_latency", "dead_watchers_cleaner_latency",
	"write_final_proc_time_ms", "proposal_ack_creation_latency", "proposal_latency", "om_proposal_process_time_ms",
	"sync_processor_queue_and_flush_time_ms", "propagation_latency", "server_write_committed_time_ms",
	"sync_processor_queue_time_ms", "sync_processor_queue_flush_time_ms", "write_commitproc_time_ms",
}
