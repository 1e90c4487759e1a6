package admin

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

// leads reports whether the server leads an ensemble.
func (r *Report) leads() bool { return r.Quorum != nil && r.Mode == "leader" }

// writeMembership is what conf has of an ensemble.
func writeMembership(b *bufio.Writer, r *Report) {
	q := r.Quorum
	fmt.Fprintf(b, "initLimit=%d\nsyncLimit=%d\nelectionAlg=3\nelectionPort=%d\nquorumPort=%d\npeerType=%d\n",
		q.InitLimit, q.SyncLimit, q.ElectionPort, q.QuorumPort, peerType(r))
	b.WriteString("membership: \n")
	for _, line := range q.Config {
		fmt.Fprintln(b, line)
	}
	fmt.Fprintf(b, "version=%x", q.Version)
}

// peerType is 0 for a participant and 1 for an observer.
func peerType(r *Report) int {
	if r.Mode == "observer" {
		return 1
	}
	return 0
}

// state is what the reference calls the state of a peer.
func state(mode string) string {
	switch mode {
	case "leader":
		return "leading - broadcast"
	case "observer":
		return "observing - broadcast"
	case "read-only":
		return "looking"
	}
	return "following - broadcast"
}

// quorumGauges are those of any member, and leaderGauges those of the leader
// alone, in the reference's order.
var (
	quorumGauges = []gauge{
		{"quorum_size", func(r *Report) any { return int64(r.Quorum.Voters) }},
		{"peer_state", func(r *Report) any { return state(r.Mode) }},
	}
	leaderGauges = []gauge{
		{"min_proposal_size", func(r *Report) any { return r.Quorum.Proposals.Min }},
		{"max_proposal_size", func(r *Report) any { return r.Quorum.Proposals.Max }},
		{"last_proposal_size", func(r *Report) any { return r.Quorum.Proposals.Last }},
		{"synced_followers", func(r *Report) any { return r.Quorum.synced(isFollower) }},
		{"synced_non_voting_followers", func(r *Report) any { return r.Quorum.synced(isNonVoting) }},
		{"synced_observers", func(r *Report) any { return r.Quorum.synced(isObserver) }},
		{"learners", func(r *Report) any { return r.Quorum.synced(isLearner) }},
		{"pending_syncs", func(r *Report) any { return int64(r.Quorum.PendingSync) }},
		{"leader_uptime", func(r *Report) any { return r.Quorum.Uptime.Milliseconds() }},
	}
	// raftGauges are ours alone.
	raftGauges = []gauge{
		{"raft_term", func(r *Report) any { return int64(r.Quorum.Term) }},
		{"raft_leader", func(r *Report) any { return int64(r.Quorum.Leader) }},
		{"raft_commit", func(r *Report) any { return int64(r.Quorum.Commit) }},
		{"raft_applied", func(r *Report) any { return int64(r.Quorum.Applied) }},
	}
)

// gaugesOf lists the gauges that the server has, as it stands.
func gaugesOf(r *Report) []gauge {
	all := gauges
	if r.Quorum == nil {
		return all
	}
	all = append(all[:len(all):len(all)], quorumGauges...)
	if r.leads() {
		all = append(all, leaderGauges...)
	}
	all = append(all, raftGauges...)
	for _, m := range r.Quorum.Members {
		active := int64(0)
		if m.Active {
			active = 1
		}
		name := "member_" + strconv.Itoa(m.Number)
		all = append(all,
			gauge{name + "_active", func(*Report) any { return active }},
			gauge{name + "_lag", func(*Report) any { return int64(m.Lag) }})
	}
	return all
}

// ofMembers are metrics of what members do with each other, which has other
// stages here, and is not measured: 0 would be wrong in an ensemble.
var ofMembers = map[string]bool{
	"quorum_ack_latency": true, "proposal_latency": true, "proposal_ack_creation_latency": true, "commit_propagation_latency": true,
	"om_proposal_process_time_ms": true, "om_commit_process_time_ms": true, "proposal_process_time": true, "commit_process_time": true,
	"follower_sync_time": true, "observer_sync_time": true, "diff_count": true, "inflight_snap_count": true, "inflight_diff_count": true,
}

// measured reports whether a metric is shown.
func (r *Report) measured(name string) bool {
	return !unmeasured[name] && (r.Quorum == nil || !ofMembers[name])
}

// leader says who leads, as the AdminServer's command of that name.
func leader(r *Report) object {
	return object{{"is_leader", r.leads()}, {"leader_id", r.Quorum.Leader}, {"leader_ip", r.Quorum.Host}}
}

// votingView lists the members.
func votingView(r *Report) object {
	members := object{}
	if r.Quorum == nil {
		return object{{"current_config", members}}
	}
	for _, line := range r.Quorum.Config {
		name, spec, _ := strings.Cut(strings.TrimPrefix(line, "server."), "=")
		members = append(members, field{name, spec})
	}
	return object{{"current_config", members}}
}

// zabState says whether the member votes, and how far it is.
func zabState(r *Report) object {
	if r.Quorum == nil {
		return object{{"voting", false}, {"zabstate", ""}}
	}
	return object{{"voting", r.Mode != "observer"}, {"zabstate", "broadcast"}}
}
