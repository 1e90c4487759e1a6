package ensemble

import (
	"context"
	"io"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

// What one of no ensemble says that it has joined is nothing: it is not dialed in
// the place of a member, and so not told whose ensemble this is.
func TestAGuestDoesNotTakeAMembersAddress(t *testing.T) {
	to := &roadSign{}
	n := &Node{cfg: Config{Number: 1}, begun: make(chan struct{}), net: newInbox(), roster: newRoster(), id: identity{cluster: 7, joined: 1}}
	close(n.begun)
	m := &membership{index: 10, conf: &pb.ConfState{}, servers: []server{
		{number: 1, directory: 11, raft: 101, address: "a:1"},
		{number: 2, directory: 22, raft: 102, address: "b:1"},
	}}
	n.roster.set(m)
	n.peers = &peers{self: 101, number: 1, transport: to}
	n.peers.set(m)
	leave, err := n.Admit(Credentials{Number: 2, Directory: 66, Joined: 1 << 62, Address: "stranger:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if got := to.members[0].Address; got != "b:1" {
		t.Errorf("member 2 is reached at %s from now on, want b:1", got)
	}
}

// A member that was removed and came back leads, and takes in a new one, who knows
// of the founders alone.
func TestANewMemberHearsAFounderThatCameBack(t *testing.T) {
	n := &Node{cfg: Config{Number: 3}, begun: make(chan struct{}), roster: newRoster(), id: identity{cluster: 7, joined: 420}}
	close(n.begun)
	founders := &membership{index: 1, conf: &pb.ConfState{}, servers: []server{{number: 2, directory: 22, raft: 102}, {number: 3, directory: 33, raft: 103}}}
	n.roster.set(founders)
	back := Credentials{Cluster: 7, Number: 2, Directory: 22, Member: 202, Joined: 400}
	if !n.trusts(back) {
		t.Error("raft does not hear the founder that came back")
	}
	founders.index = 500
	if n.trusts(back) {
		t.Error("raft hears one by a number that is not the member's")
	}
}

// A roadSign is a transport that knows where to, and goes nowhere.
type roadSign struct{ members []Member }

func (r *roadSign) SetMembers(m []Member)             { r.members = m }
func (*roadSign) Run(context.Context, Receiver) error { return nil }
func (*roadSign) SendRaft(int, *pb.Message)           {}
func (*roadSign) SendFrame(int, []byte)               {}
func (*roadSign) SendSnapshot(context.Context, int, func(Part) (io.ReadCloser, error)) error {
	return nil
}
