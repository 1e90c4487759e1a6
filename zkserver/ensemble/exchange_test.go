package ensemble

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	pb "go.etcd.io/raft/v3/raftpb"
)

// TestCommandsThatDoNotDecodeAreEmptied by the leader, and the others keep their
// places.
func TestCommandsThatDoNotDecodeAreEmptied(t *testing.T) {
	leader, _, _ := pair()
	leader.maxCommand = 100
	leader.check = func(data []byte) error {
		if string(data) == "bad" {
			return errors.New("of a later version")
		}
		return nil
	}
	commands := []Command{{5, 1, []byte("a")}, {5, 2, []byte("bad")}, {5, 3, []byte("c")}}
	f, err := decodeForward(encodeForward(7, 5, 0, commands))
	if err != nil {
		t.Fatal(err)
	}
	leader.receiveForward(2, f)
	commands[1].Data = nil
	if diff := cmp.Diff(commands, leader.intake.commands); diff != "" {
		t.Error(diff)
	}
}

// TestARemovedMemberHasNoUseForASnapshot and says so, or it would take no other
// one when it is a member again.
func TestARemovedMemberHasNoUseForASnapshot(t *testing.T) {
	unused := uint64(0)
	l := &loop{removed: true, term: 9, heard: map[uint64]uint64{}, unused: func(index uint64) { unused = index }}
	l.receiveRaft(&pb.Message{Type: pb.MsgSnap.Enum(), Term: new(uint64(3)), Snapshot: &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(uint64(50))}}})
	if unused != 50 {
		t.Errorf("entry %d is not used, want 50", unused)
	}
}

// TestARemovedLeaderHasNothingToHandOver.
func TestARemovedLeaderHasNothingToHandOver(t *testing.T) {
	l := &loop{removed: true, leading: true, leader: 7, handOver: newHandOver()}
	done := make(chan error, 1)
	l.handOver.arrived = append(l.handOver.arrived, done)
	l.handOverLead()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	default:
		t.Error("no answer")
	}
}
