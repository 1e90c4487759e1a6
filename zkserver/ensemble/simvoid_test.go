package ensemble

import (
	"errors"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// outdate ends a member and has its directory as it was some time before.
func (s *sim) outdate(m *simMember, d time.Duration) {
	m.crash(false)
	old := m.disk.Clone()
	m.boot()
	s.pass(d)
	m.crash(false)
	m.disk, m.mayEnd = old, true
}

// ended looks whether a member has ended for good, with some words, and with the same
// when it is started again, after a power cut.
func (s *sim) ended(m *simMember, words string) {
	s.t.Helper()
	for range 2 {
		if !errors.Is(m.refused, ErrVoid) || !strings.Contains(m.refused.Error(), words) {
			s.t.Fatalf("member %d ended with %v", m.number, m.refused)
		}
		m.disk, m.refused = m.disk.PowerCut(), nil
		m.boot()
	}
}

// It ended by a panic of raft's, and could vote again as soon as another one led.
func TestAMemberThatHasForgottenWhatItAcknowledgedEndsForGood(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		m := s.members[s.leader().number%3]
		s.outdate(m, 2*time.Second)
		m.boot()
		if s.pass(time.Second) == 0 {
			t.Error("no service of the others")
		}
		s.ended(m, "has acknowledged entries up to")
		m.disk = waltest.New(99)
		m.boot()
		s.within(20*time.Second, "the member with an empty directory", func() bool {
			is, ok := s.newest().owner(m.number)
			return ok && m.node.formed() && is.directory == m.node.directory
		})
		s.heal()
	})
}

// A member that had applied what the others went on without followed for ever, and said
// nothing: raft takes no notice of what is before the end of what is committed.
func TestALeaderWithOtherEntriesThanAreAppliedHereIsNoticed(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		leader := s.leader()
		m := s.members[leader.number%3]
		l := m.node.loop
		at, term := l.reads.applied, l.term
		own, err := m.node.storage.Term(at)
		if err != nil {
			t.Fatal(err)
		}
		from := func(kind pb.MessageType, term uint64) *pb.Message {
			return &pb.Message{Type: kind.Enum(), From: new(leader.node.peers.self), To: new(l.peers.self), Term: new(term)}
		}
		app := func(term, index, logTerm uint64, terms ...uint64) *pb.Message {
			m := from(pb.MsgApp, term)
			m.Index, m.LogTerm = new(index), new(logTerm)
			for i, t := range terms {
				m.Entries = append(m.Entries, &pb.Entry{Index: new(index + 1 + uint64(i)), Term: new(t)})
			}
			return m
		}
		snap := func(index, logTerm uint64) *pb.Message {
			m := from(pb.MsgSnap, term)
			m.Snapshot = &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(index), Term: new(logTerm)}}
			return m
		}
		contradiction := app(term+1, at-1, own, own+1, own+1)
		for _, tt := range []struct {
			name string
			m    *pb.Message
			want bool
		}{
			{"what is here", app(term, at-1, own, own), false},
			{"what is here, and more", app(term, at-1, own, own, own+1), false},
			{"what comes next", app(term+1, at, own, own+1), false},
			{"an earlier leader", app(term-1, at, own-1, own-1), false},
			{"another entry before", app(term, at, own+1), true},
			{"another entry", contradiction, true},
			{"what is compacted", app(term, 0, 9), false},
			{"an old snapshot", snap(at, own), false},
			{"an old snapshot of another term", snap(at, own+1), true},
			{"a new snapshot", snap(at+1000, own+1), false},
		} {
			if why := l.refute(tt.m); (why != "") != tt.want {
				t.Errorf("%s: %q", tt.name, why)
			}
		}
		m.mayEnd = true
		m.node.net.put(received{from: leader.number, message: contradiction})
		m.poll()
		s.pass(time.Second)
		s.ended(m, "the others have gone on without")
	})
}
