package ensemble

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A wire carries the frames of one loop to another at once.
type frameWire struct {
	from int
	to   func() *loop
	lost bool
}

func (w *frameWire) Run(context.Context, Receiver) error { return nil }
func (w *frameWire) SetMembers([]Member)                 {}
func (w *frameWire) SendRaft(int, *pb.Message)           {}
func (w *frameWire) SendSnapshot(context.Context, int, func(Part) (io.ReadCloser, error)) error {
	return nil
}
func (w *frameWire) SendFrame(_ int, frame []byte) {
	if !w.lost {
		w.to().receiveFrame(w.from, slices.Clone(frame))
	}
}

// pair gives the loop of a leader, of member 1, and that of a follower, of member
// 2, and the wires from them.
func pair() (leader, follower *loop, wires [2]*frameWire) {
	members := []peer{{101, 1}, {102, 2}}
	wires = [2]*frameWire{
		{from: 1, to: func() *loop { return follower }},
		{from: 2, to: func() *loop { return leader }},
	}
	leader = &loop{peers: &peers{self: 101, number: 1, members: members, transport: wires[0]}, tells: newTells(), term: 7, leader: 101, leading: true}
	follower = &loop{peers: &peers{self: 102, number: 2, members: members, transport: wires[1]}, tells: newTells(), term: 7, leader: 101}
	return leader, follower, wires
}

func TestTheLeaderHearsWhatItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leader, follower, wires := pair()
		n := &Node{tells: follower.tells}
		var heard []string
		leader.hear = func(from int, term uint64, b []byte) bool {
			if from != 2 || term != 7 {
				t.Errorf("heard member %d in term %d", from, term)
			}
			heard = append(heard, string(b))
			return true
		}
		told := func(s string) time.Time {
			time.Sleep(time.Second)
			n.Tell([]byte(s))
			at := time.Now()
			time.Sleep(time.Second)
			follower.tell()
			return at
		}

		if at := n.Heard(); !at.IsZero() {
			t.Errorf("was heard at %v before it said anything", at)
		}
		first := told("first")
		if at := n.Heard(); !at.Equal(first) {
			t.Errorf("was heard at %v, want the time of the Tell, %v", at, first)
		}
		wires[0].lost = true // the leader hears, and is not heard
		told("second")
		wires[0].lost = false
		if at := n.Heard(); !at.Equal(first) {
			t.Errorf("was heard at %v without an answer", at)
		}
		leader.term = 8
		told("of another term")
		leader.term = 7
		leader.leading = false
		told("to no leader")
		leader.leading = true
		if at := n.Heard(); !at.Equal(first) {
			t.Errorf("was heard at %v by no leader of its term", at)
		}
		if want := []string{"first", "second"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

func TestWhatIsToldHasBounds(t *testing.T) {
	_, follower, wires := pair()
	wires[1].lost = true
	n := &Node{tells: follower.tells}
	n.Tell(make([]byte, MaxTell+1))
	if follower.tells.bytes > 0 {
		t.Error("more than MaxTell was taken")
	}
	for range 100 {
		n.Tell(make([]byte, MaxTell))
	}
	if got := follower.tells.bytes; got == 0 || got > maxTells {
		t.Errorf("%d bytes wait, want at most %d", got, maxTells)
	}
	follower.tell()
	if got := follower.tells.bytes; got != 0 {
		t.Errorf("%d bytes wait after they were sent", got)
	}
}

func TestTellFramesOfAnyLengthAreTaken(t *testing.T) {
	leader, follower, _ := pair()
	whole := make([]byte, tellHeader)
	for _, kind := range []byte{frameTell, frameTold} {
		for n := range tellHeader {
			whole[0] = kind
			leader.receiveFrame(2, whole[:n])
			follower.receiveFrame(1, whole[:n])
		}
	}
}

func TestEachChangeOfRoleIsAnnounced(t *testing.T) {
	n := &Node{roles: newRoles()}
	before := n.RoleChanged()
	n.roles.set(Role{})
	select {
	case <-before:
		t.Error("no change was announced as one")
	default:
	}
	want := Role{Term: 3, Leader: 2, HasLeader: true}
	n.roles.set(want)
	<-before
	if got := n.Role(); got != want {
		t.Errorf("role %+v, want %+v", got, want)
	}
}
