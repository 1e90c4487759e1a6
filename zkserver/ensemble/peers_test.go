package ensemble

import (
	"math"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

func TestOnlyMessagesBetweenMembersAreTaken(t *testing.T) {
	for name, v := range pb.MessageType_value {
		got := fromPeer(pb.MessageType(v))
		want := true
		switch pb.MessageType(v) {
		case pb.MsgHup, pb.MsgBeat, pb.MsgProp, pb.MsgSnap, pb.MsgUnreachable, pb.MsgSnapStatus, pb.MsgCheckQuorum,
			pb.MsgStorageAppend, pb.MsgStorageAppendResp, pb.MsgStorageApply, pb.MsgStorageApplyResp, pb.MsgForgetLeader:
			want = false
		}
		if got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestMemberNumbersOfRaftDiffer(t *testing.T) {
	seen := map[uint64]bool{0: true}
	for _, id := range []uint64{memberID(1, 1, 0), memberID(2, 1, 0), memberID(1, 2, 0), memberID(1, 1, 1), memberID(1, 0, 1)} {
		if seen[id] || id > math.MaxInt64 {
			t.Errorf("%x comes twice, or is one of raft's own", id)
		}
		seen[id] = true
	}
}

// The simulation found it: a member answered a late heartbeat of term 4 when it
// was in term 5, and the leader of both terms never sent it an entry again.
func TestAnswerToAnEarlierTermDoesNotHoldUpAMember(t *testing.T) {
	stale := &pb.Message{Type: pb.MsgAppResp.Enum(), Term: new(uint64(5))}
	if !saysNothing(stale, 5) {
		t.Error("an answer without an index is taken")
	}
	if saysNothing(stale, 4) {
		t.Error("a leader of an earlier term does not hear that it is one")
	}
	for _, m := range []*pb.Message{
		{Type: pb.MsgAppResp.Enum(), Term: new(uint64(5)), Index: new(uint64(1))},
		{Type: pb.MsgAppResp.Enum(), Term: new(uint64(5)), Reject: new(true)},
		{Type: pb.MsgHeartbeatResp.Enum(), Term: new(uint64(5))},
	} {
		if saysNothing(m, 5) {
			t.Errorf("%v is not taken", m)
		}
	}
}
