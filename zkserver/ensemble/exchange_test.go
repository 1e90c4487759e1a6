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

// TestACommandTooLargeForTheLeaderIsEmptied and does not hold up those behind it: a
// member may have a larger limit while it is raised on one after the other.
func TestACommandTooLargeForTheLeaderIsEmptied(t *testing.T) {
	leader, _, _ := pair()
	leader.maxCommand = 100
	commands := []Command{{5, 1, make([]byte, 101)}, {5, 2, make([]byte, 100)}}
	leader.receiveForward(2, forward{term: 7, origin: 5, commands: commands})
	got := leader.intake.commands
	if len(got) != 2 || len(got[0].Data) != 0 || len(got[1].Data) != 100 {
		t.Errorf("taken: %d commands, want one of 0 bytes and one of 100", len(got))
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
