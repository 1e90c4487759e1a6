package ensemble

import (
	"fmt"
	"slices"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

// somebody is who is there: who says hello, by number, who is silent and who has the
// log, by raft's.
type somebody struct {
	hello  map[int]applicant
	silent []uint64
	log    []uint64
}

func (s somebody) applicant(number int) (applicant, bool) { v, ok := s.hello[number]; return v, ok }
func (s somebody) lives(raft uint64) bool                 { return !slices.Contains(s.silent, raft) }
func (s somebody) has(raft uint64) bool                   { return slices.Contains(s.log, raft) }

// In this ensemble raft's number and the directory are those of the server, times ten
// for the first, times a hundred for the second one that it has.
func is(number int, st standing) server {
	if _, expected := st.here(); expected {
		return server{number: number, standing: st}
	}
	return server{number: number, raft: uint64(10 * number), directory: uint64(10 * number), standing: st}
}

func (s server) brief() string {
	return fmt.Sprintf("%d:%d%s", s.number, s.raft, [...]string{"voter", "observer", "joining", "awaited", "leaving", "awaitedObserver"}[s.standing])
}

func brief(servers []server) (all []string) {
	for _, s := range servers {
		all = append(all, s.brief())
	}
	return all
}

func changes(cc *pb.ConfChangeV2) (all []string) {
	for _, c := range cc.GetChanges() {
		all = append(all, fmt.Sprintf("%s %d", c.GetType().String()[len("ConfChange"):], c.GetNodeId()))
	}
	return all
}

func TestAPlanSaysWhatIsToBecomeOfEachServer(t *testing.T) {
	three := []server{is(1, voter), is(2, voter), is(3, voter)}
	with := func(servers []server, more ...server) []server {
		all := slices.Concat(servers, more)
		sortServers(all)
		return all
	}
	const old = 7 // raft's number of one that was a member once
	back := applicant{directory: 40, raft: old}
	tests := []struct {
		name    string
		servers []server
		wish    []int // observers negative
		there   somebody
		fresh   []string
		then    []string // with those who are leaving
		final   []string
	}{
		{name: "one is removed", servers: three, wish: []int{1, 2},
			then: []string{"1:10voter", "2:20voter", "3:30leaving"}, final: []string{"AddLearnerNode 30"}},
		{name: "one is removed that is dead", servers: three, wish: []int{1, 2}, there: somebody{silent: []uint64{30}},
			then: []string{"1:10voter", "2:20voter", "3:30leaving"}, final: []string{"RemoveNode 30"}},
		{name: "one comes back while it is leaving", servers: with(three[:2], is(3, leaving)), wish: []int{1, 2, 3},
			then: []string{"1:10voter", "2:20voter", "3:30voter"}, final: []string{"AddNode 30"}},
		{name: "one with its number has a new directory", servers: with(three[:2], is(3, leaving)), wish: []int{1, 2, 3}, there: somebody{hello: map[int]applicant{3: {directory: 300}}},
			fresh: []string{"3"}, then: []string{"1:10voter", "2:20voter", "3:*voter", "3:30leaving"}, final: []string{"AddNode *", "RemoveNode 30"}},
		{name: "one that was removed before says hello with its number", servers: with(three[:2], is(3, leaving)), wish: []int{1, 2, 3}, there: somebody{hello: map[int]applicant{3: back}},
			then: []string{"1:10voter", "2:20voter", "3:30voter"}, final: []string{"AddNode 30"}},
		{name: "one is not there", servers: three, wish: []int{1, 2, 3, 4},
			then: []string{"1:10voter", "2:20voter", "3:30voter", "4:0awaited"}},
		{name: "an observer is not there", servers: three, wish: []int{1, 2, 3, -4},
			then: []string{"1:10voter", "2:20voter", "3:30voter", "4:0awaitedObserver"}},
		{name: "one was a member before", servers: three, wish: []int{1, 2, 3, 4}, there: somebody{hello: map[int]applicant{4: back}},
			fresh: []string{"4"}, then: []string{"1:10voter", "2:20voter", "3:30voter", "4:7voter"}, final: []string{"AddNode 7"}},
		{name: "one that is awaited has come", servers: with(three, is(4, awaited)), wish: []int{1, 2, 3, 4}, there: somebody{hello: map[int]applicant{4: {directory: 40}}},
			then: []string{"1:10voter", "2:20voter", "3:30voter", "4:0awaited"}},
		{name: "one that is awaited is joining", servers: with(three, is(4, awaited), is(4, joining)), wish: []int{1, 2, 4},
			then: []string{"1:10voter", "2:20voter", "3:30leaving", "4:40joining", "4:0awaited"}, final: []string{"AddLearnerNode 30"}},
		{name: "one that is awaited has caught up", servers: with(three, is(4, awaited), is(4, joining)), wish: []int{1, 2, 4}, there: somebody{log: []uint64{40}},
			then: []string{"1:10voter", "2:20voter", "3:30leaving", "4:40voter"}, final: []string{"AddNode 40", "AddLearnerNode 30"}},
		{name: "one that is joining is not wished any more", servers: with(three, is(4, awaited), is(4, joining)), wish: []int{1, 2, 3},
			then: []string{"1:10voter", "2:20voter", "3:30voter"}, final: []string{"RemoveNode 40"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &membership{index: 5, servers: tt.servers, conf: &pb.ConfState{}}
			for _, s := range tt.servers {
				switch {
				case s.standing == voter:
					m.conf.Voters = append(m.conf.Voters, s.raft)
				case s.raft != 0:
					m.conf.Learners = append(m.conf.Learners, s.raft)
				}
			}
			var wanted []Member
			for _, n := range tt.wish {
				wanted = append(wanted, Member{Number: max(n, -n), Observer: n < 0})
			}
			m, err := m.begin(6, wanted, true)
			if err != nil {
				t.Fatal(err)
			}
			p := planFor(m, 1, tt.there, false)
			var fresh, then, final []string
			unknown := fmt.Sprint(memberID(1, 3, 300))
			star := func(text string) string {
				if i := slices.Index([]string{"3:" + unknown + "voter", "AddNode " + unknown}, text); i >= 0 {
					return []string{"3:*voter", "AddNode *"}[i]
				}
				return text
			}
			for _, s := range p.fresh {
				fresh = append(fresh, fmt.Sprint(s.number))
			}
			for _, text := range brief(p.withLeaving(m)) {
				then = append(then, star(text))
			}
			for _, text := range changes(p.final(m)) {
				final = append(final, star(text))
			}
			if !slices.Equal(fresh, tt.fresh) || !slices.Equal(then, tt.then) || !slices.Equal(final, tt.final) {
				t.Errorf("fresh %q, then %q, final %q", fresh, then, final)
			}
		})
	}
}
