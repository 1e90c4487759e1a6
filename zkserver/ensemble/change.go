package ensemble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3/confchange"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"
)

// A change of the members is a wish, an entry of the log, that the leader of the
// time carries out in steps, which are entries, too:
//
//	wish       what the members are to be; one at a time
//	learners   the new ones get the log, without a vote
//	final      they have caught up: raft's joint change makes the members what
//	           is wished, and is left again
//	abandon    or one did not catch up, or there is no majority: all is as before
//
// A new one who is not there is awaited: it is on the list, and when it comes the
// leader itself wishes that it gets the log, and then its vote. One who is not wished
// any more and lives has no vote any more, and gets the log as long as it lives, so
// that its clients are served until they or it have gone: that it is silent is what
// the leader wishes it away for.
//
// So a change goes on whoever leads, and all members learn its outcome at the
// same place of the log. A step names the entry that the membership was changed
// by last; if there has been another one meanwhile it is void.
type wish struct {
	id     uint64 // index of its entry
	asked  bool   // by the machine, which is told the outcome
	state  wishState
	target []server // directory 0: that of whoever says hello
}

type wishState uint8

const (
	wishOpen   wishState = iota
	wishDone             // the final step was taken
	wishFailed           // it was abandoned
)

// These errors answer a wish for other members.
var (
	// ErrReconfiguring says that another change is under way.
	ErrReconfiguring = errors.New("ensemble: another change of the members is under way")

	// ErrNoQuorum says that too few of the members that were wished are there,
	// or that a new one that is there did not catch up in time. The members are what
	// they were.
	ErrNoQuorum = errors.New("ensemble: the new members have no quorum")

	// ErrMembers says that there can be no such members.
	ErrMembers = errors.New("ensemble: not a list of members")

	// ErrAlone says that a server that runs alone has no members to change.
	ErrAlone = errors.New("ensemble: this server runs alone")
)

// An outcome is how a wish has ended.
type outcome struct {
	wish *wish
	err  error
}

// begin makes a wish of members, which keep their data directories.
func (m *membership) begin(index uint64, members []Member, asked bool) (*membership, error) {
	if len(m.servers) == 0 {
		return nil, ErrAlone
	}
	if err := checkMembers(members); err != nil {
		return nil, err
	}
	var target []server
	for _, want := range members {
		s := server{number: want.Number, address: want.Address, spec: want.Spec, moved: true}
		if is, ok := m.owner(want.Number); ok {
			s.directory, s.raft = is.directory, is.raft
			s.moved = is.moved || is.address != want.Address
		}
		if want.Observer {
			s.standing = observer
		}
		if is, ok := m.awaits(want.Number); ok { // it keeps nobody waiting
			s.moved, s.standing = is.moved || is.address != want.Address, s.standing.awaited()
		}
		target = append(target, s)
	}
	sortServers(target)
	return m.want(index, target, asked)
}

// busy reports whether a change is under way that a wish would have to wait for. What
// is asked for takes the place of a wish of the leader's own, since that may wait long
// for one to catch up; the leader will have the same wish again.
func (m *membership) busy(asked bool) bool {
	own := m.wish != nil && !m.wish.asked && m.wish.state == wishOpen
	return m.joint() || m.wish != nil && (!asked || !own)
}

// want makes a wish of servers.
func (m *membership) want(index uint64, target []server, asked bool) (*membership, error) {
	if m.busy(asked) {
		return nil, ErrReconfiguring
	}
	next := *m
	next.index, next.wish = index, &wish{id: index, asked: asked, target: target}
	return &next, nil
}

func checkMembers(members []Member) error {
	seen, voters := make(map[int]bool), 0
	for _, m := range members {
		switch {
		case m.Number < 0 || m.Number > maxNumber:
			return fmt.Errorf("%w: member %d: a number is from 0 to %d", ErrMembers, m.Number, maxNumber)
		case seen[m.Number]:
			return fmt.Errorf("%w: member %d is there twice", ErrMembers, m.Number)
		case !m.Observer:
			voters++
		}
		seen[m.Number] = true
	}
	if voters == 0 {
		return fmt.Errorf("%w: nobody has a vote", ErrMembers)
	}
	return nil
}

// claim gives a number to a directory if it is nobody's yet.
func (m *membership) claim(index uint64, number int, directory uint64) *membership {
	next := *m
	give := func(servers []server) []server {
		servers = slices.Clone(servers)
		for i := range servers {
			if s := &servers[i]; s.number == number && s.directory == 0 && s.raft != 0 && s.counts() {
				s.directory = directory
				next.index = index
			}
		}
		return servers
	}
	next.servers = give(m.servers)
	if m.wish != nil {
		w := *m.wish
		w.target = give(w.target)
		next.wish = &w
	}
	return &next
}

// adopt names the members of a server that ran alone: itself, and those that are
// to join it.
func (m *membership) adopt(index uint64, servers []server) (*membership, bool) {
	if len(m.servers) > 0 {
		return m, false
	}
	next := *m
	next.index, next.servers = index, servers
	return &next, true
}

// take takes a step of a wish, with the change of raft's that goes with it, if
// any. ok is false if it is void.
func (m *membership) take(index uint64, st step, cc *pb.ConfChangeV2) (next *membership, out *outcome, ok bool) {
	if m.wish == nil || m.wish.state != wishOpen || st.base != m.index || m.joint() {
		return m, nil, false
	}
	conf := m.conf
	if cc != nil {
		var err error
		if conf, err = changed(conf, index, cc); err != nil {
			return m, nil, false
		}
	}
	w := *m.wish
	switch st.kind {
	case stepFinal:
		w.state = wishDone
	case stepAbandon:
		w.state = wishFailed
	}
	taken := *m
	taken.index, taken.servers, taken.conf, taken.wish = index, st.servers, conf, &w
	next, out = taken.settle()
	return next, out, true
}

// leave leaves raft's joint state. ok is false if there is none.
func (m *membership) leave(index uint64, cc *pb.ConfChangeV2) (next *membership, out *outcome, ok bool) {
	if !m.joint() {
		return m, nil, false
	}
	conf, err := changed(m.conf, index, cc)
	if err != nil {
		return m, nil, false
	}
	left := *m
	left.index, left.conf = index, conf
	next, out = left.settle()
	return next, out, true
}

// settle ends a wish whose last step was taken.
func (m *membership) settle() (*membership, *outcome) {
	if m.wish == nil || m.wish.state == wishOpen || m.joint() {
		return m, nil
	}
	m.servers = slices.DeleteFunc(slices.Clone(m.servers), func(s server) bool { return s.standing == leaving && !isIn(m.conf, s.raft) })
	out := &outcome{wish: m.wish}
	if m.wish.state == wishFailed {
		out.err = ErrNoQuorum
	}
	m.wish = nil
	return m, out
}

// changed is what raft makes of its membership by a change.
func changed(conf *pb.ConfState, index uint64, cc *pb.ConfChangeV2) (*pb.ConfState, error) {
	changer := confchange.Changer{Tracker: tracker.MakeProgressTracker(1, 0), LastIndex: index}
	cfg, progress, err := confchange.Restore(changer, conf)
	if err != nil {
		return nil, err
	}
	changer.Tracker.Config, changer.Tracker.Progress = cfg, progress
	if cc.LeaveJoint() {
		cfg, _, err = changer.LeaveJoint()
	} else if autoLeave, ok := cc.EnterJoint(); ok {
		cfg, _, err = changer.EnterJoint(autoLeave, cc.Changes...)
	} else {
		cfg, _, err = changer.Simple(cc.Changes...)
	}
	if err != nil {
		return nil, err
	}
	changer.Tracker.Config = cfg
	return changer.Tracker.ConfState(), nil
}

// A step is what a wish makes of the servers. If raft's membership changes, too,
// it stands in the context of that change, else in a notice:
//
//	u8 format = 1 | u8 kind | u64 base | servers
type step struct {
	kind    stepKind
	base    uint64 // index of the membership it is made for
	servers []server
}

type stepKind uint8

const (
	stepLearners stepKind = iota
	stepFinal
	stepAbandon

	stepFormat = 1
)

func (s step) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(append(b, stepFormat, byte(s.kind)), s.base)
	return appendServers(b, s.servers)
}

func decodeStep(b []byte) (step, error) {
	if len(b) < 10 || b[0] != stepFormat || stepKind(b[1]) > stepAbandon {
		return step{}, errNotice
	}
	s := step{kind: stepKind(b[1]), base: binary.BigEndian.Uint64(b[2:])}
	servers, rest, ok := cutServers(b[10:])
	if !ok || len(rest) > 0 {
		return step{}, errNotice
	}
	s.servers = servers
	return s, nil
}

// decodeChange reads an entry that changes raft's membership. st is nil if it
// leaves the joint state.
func decodeChange(e *pb.Entry) (cc *pb.ConfChangeV2, st *step, err error) {
	cc = &pb.ConfChangeV2{}
	if err := proto.Unmarshal(e.GetData(), cc); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errNotice, err)
	}
	if cc.LeaveJoint() {
		return cc, nil, nil
	}
	s, err := decodeStep(cc.GetContext())
	return cc, &s, err
}
