package zkserver_test

import (
	"io"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/zktest"
)

// wordAt gives the answer to a four-letter word.
func wordAt(t *testing.T, addr, word string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(nc, word); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(nc)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The lines are those of Apache ZooKeeper 3.8.0 in an ensemble of three.
func TestMembersSayWhatTheyAreInTheWordsOfApacheZooKeeper(t *testing.T) {
	e := zktest.NewEnsemble(t, 3, allWords)
	leader := e.Leader()
	connect(t, leader).create("/x", "data", 0)
	follower := e.Servers()[0]
	if follower == leader {
		follower = e.Servers()[1]
	}
	port := `127\.0\.0\.1:\d+:participant\n`
	tests := []struct {
		of    *zktest.Server
		word  string
		lines []string
	}{
		{leader, "srvr", []string{`Mode: leader\nNode count: \d+\nProposal sizes last/min/max: [1-9]\d*/[1-9]\d*/[1-9]\d*\n$`}},
		{leader, "stat", []string{`Mode: leader\n`}},
		{leader, "isro", []string{`^rw$`}},
		{leader, "mntr", []string{
			`(?m)^zk_server_state\tleader$`, `(?m)^zk_peer_state\tleading - broadcast$`, `(?m)^zk_quorum_size\t3$`, `(?m)^zk_synced_followers\t2$`,
			`(?m)^zk_synced_observers\t0$`, `(?m)^zk_synced_non_voting_followers\t0$`, `(?m)^zk_learners\t2$`, `(?m)^zk_pending_syncs\t0$`,
			`(?m)^zk_leader_uptime\t\d+$`, `(?m)^zk_last_proposal_size\t\d+$`, `(?m)^zk_member_1_lag\t\d+$`, `(?m)^zk_cnt_election_time\t[1-9]`,
		}},
		{leader, "conf", []string{`serverId=\d\ninitLimit=0\nsyncLimit=0\nelectionAlg=3\nelectionPort=0\nquorumPort=\d+\npeerType=0\nmembership: \nserver\.1=` + port + `server\.2=` + port + `server\.3=` + port + `version=0$`}},
		{follower, "srvr", []string{`Mode: follower\nNode count: \d+\n$`}},
		{follower, "mntr", []string{`(?m)^zk_server_state\tfollower$`, `(?m)^zk_peer_state\tfollowing - broadcast$`, `(?m)^zk_quorum_size\t3$`, `(?m)^zk_learner_proposal_received_count\t\d+$`}},
	}
	for _, tt := range tests {
		text := wordAt(t, tt.of.Addr(), tt.word)
		if tt.word == "mntr" && tt.of == leader { // followers are known a moment later
			for end := time.Now().Add(time.Minute); !regexp.MustCompile(`synced_followers\t2`).MatchString(text) && time.Now().Before(end); {
				text = wordAt(t, tt.of.Addr(), tt.word)
			}
		}
		for _, line := range tt.lines {
			if !regexp.MustCompile(line).MatchString(text) {
				t.Errorf("%s has nothing like %s:\n%s", tt.word, line, text)
			}
		}
	}
	for _, s := range e.Servers() {
		if s != follower {
			s.Stop()
		}
	}
	for end := time.Now().Add(time.Minute); ; {
		text := wordAt(t, follower.Addr(), "srvr")
		if text == "This ZooKeeper instance is not currently serving requests\n" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("without the others it says %q", text)
		}
	}
}
