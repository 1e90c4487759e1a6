package ensemble

import (
	"os"
	"slices"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// quiet is a network and disks without faults.
var quiet = profile{members: 5, delay: time.Millisecond, snapshot: 1000}

// walk simulates without faults but those that script makes.
func walk(t *testing.T, p profile, script func(s *sim)) {
	cryptotest.SetGlobalRandom(t, 1)
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1, p, walkLog())
		for _, m := range s.members {
			m.gone = true
		}
		script(s)
		if s.err != nil {
			t.Error(s.err)
		}
	})
}

// walkUp is walk from where all members have been up for a while.
func walkUp(t *testing.T, p profile, script func(s *sim)) {
	walk(t, p, func(s *sim) {
		for _, m := range s.members {
			m.boot()
		}
		s.pass(2 * time.Second)
		script(s)
	})
}

// leader gives the member that leads.
func (s *sim) leader() *simMember {
	for _, m := range s.members {
		if m.up && m.former == nil && m.node.loop.leading {
			return m
		}
	}
	s.t.Fatal("nobody leads")
	return nil
}

// pass lets time go by, and reports how many commands were done in it.
func (s *sim) pass(d time.Duration) int {
	before := len(s.check.history)
	s.run(s.now()+d, nil)
	return len(s.check.history) - before
}

// roles counts the members that lead and follow somebody.
func (s *sim) roles() (leading, following int) {
	for _, m := range s.members {
		switch {
		case !m.up || m.former != nil:
		case m.node.loop.leading:
			leading++
		case m.node.loop.leader != 0:
			following++
		}
	}
	return leading, following
}

// The walk of the classic story of five servers.
func TestFiveServersStartedOneByOne(t *testing.T) {
	skipIfShort(t)
	walk(t, quiet, func(s *sim) {
		for i, m := range s.members {
			m.boot()
			if i == 2 { // who is missing is waited for
				s.pass(helloListens * helloEvery)
			}
			done := s.pass(3 * time.Second)
			leading, following := s.roles()
			if i < 2 && (done > 0 || leading > 0) {
				t.Fatalf("service with %d of five", i+1)
			}
			if i >= 2 && (done == 0 || leading != 1 || following != i) {
				t.Fatalf("with %d of five: %d commands, %d lead, %d follow", i+1, done, leading, following)
			}
		}
		for i := range 3 { // the leader each time
			for _, m := range s.members {
				if m.up && m.node.loop.leading {
					m.crash(true)
					break
				}
			}
			done := s.pass(3 * time.Second)
			if leading, _ := s.roles(); i < 2 && (done == 0 || leading != 1) {
				t.Fatalf("%d dead: %d commands, %d lead", i+1, done, leading)
			}
		}
		if s.pass(3*time.Second) > 0 {
			t.Fatal("service with three of five dead")
		}
		for _, m := range s.members {
			if !m.up {
				m.boot()
			}
		}
		if s.pass(3*time.Second) == 0 {
			t.Fatal("no service with all five back")
		}
		s.heal()
	})
}

// A member whose data is older must not lead those whose data is newer.
func TestOlderMemberDoesNotLead(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		s.members[0].crash(true)
		if s.pass(2*time.Second) == 0 {
			t.Fatal("no service with two of three")
		}
		s.members[1].crash(true)
		s.members[0].boot() // with the third, which alone has all
		if s.pass(3*time.Second) == 0 {
			t.Fatal("no service with two of three")
		}
		if !s.members[2].node.loop.leading {
			t.Error("the member with older data leads")
		}
		s.members[1].boot()
		s.pass(time.Second)
		s.heal()
	})
}

// A member that comes back with an empty directory has forgotten its votes and
// entries: it must not help those who are behind to a majority.
func TestWipedMemberDoesNotVote(t *testing.T) {
	skipIfShort(t)
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		s.members[2].crash(true) // and so is behind
		if s.pass(time.Second) == 0 {
			t.Fatal("no service with two of three")
		}
		s.members[0].crash(true)
		s.members[1].crash(true)
		s.members[1].disk = waltest.New(99)
		s.members[1].boot()
		s.members[2].boot()
		if done := s.pass(5 * time.Second); done > 0 || s.members[1].former == nil {
			t.Fatalf("a wiped member and one that is behind make an ensemble, %d commands", done)
		}
		s.members[0].boot()
		if s.pass(3*time.Second) == 0 {
			t.Error("no service with the two that have their data")
		}
		s.run(s.now()+10*time.Second, func() bool {
			return s.members[1].former == nil && slices.Contains(s.newest().conf.GetVoters(), s.members[1].node.peers.self)
		})
		if m := s.members[1]; m.former != nil || m.node.peers.self == memberID(m.node.id.cluster, 2, 0) {
			t.Error("the wiped member is not there, or was taken for what it was")
		}
		s.members[2].crash(true)
		if s.pass(3*time.Second) == 0 {
			t.Error("no service with the member that came back and one other")
		}
		s.members[2].boot()
		s.heal()
	})
}

// A leader whose disk hangs sends heartbeats for ever, but commits nothing.
func TestLeaderWithAHangingDiskIsReplaced(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		for range 5 {
			leader := s.leader()
			leader.stalled = s.now() + 10*time.Second
			begin := s.now()
			s.run(begin+5*time.Second, func() bool {
				leading, following := s.roles()
				return !leader.node.loop.leading && leading == 1 && following == 2
			})
			if took := s.now() - begin; took > time.Second {
				t.Errorf("a leader with a hanging disk led for another %v", took)
			}
			if s.pass(time.Second) == 0 {
				t.Error("no service with two good disks of three")
			}
			leader.stalled = 0
			s.pass(time.Second)
		}
		s.heal()
	})
}

// Who has missed more than the log still holds is given a snapshot, while the
// others go on.
func TestMemberFarBehindIsGivenASnapshot(t *testing.T) {
	p := quiet
	p.members, p.snapshot = 3, 50
	walkUp(t, p, func(s *sim) {
		s.partition(func(a, b int) bool { return a == 3 }, 2)
		s.run(s.now()+20*time.Second, func() bool { // until the log no longer has what it lacks
			s.cut.mend()
			s.cut.both(3, 1)
			s.cut.both(3, 2)
			base, _ := s.members[0].node.wal.Bounds()
			other, _ := s.members[1].node.wal.Bounds()
			_, last := s.members[2].node.wal.Bounds()
			return min(base, other) > last+10 // whoever leads
		})
		s.cut.mend()
		terms := len(s.check.leaders)
		if s.pass(2*time.Second) == 0 || s.figures.transfers == 0 || s.figures.restores == 0 {
			t.Errorf("%+v", s.figures)
		}
		if more := len(s.check.leaders) - terms; more > 0 {
			t.Errorf("%d elections because of a snapshot", more)
		}
		s.heal()
	})
}

// With the leader's process gone the clients of the others lose nothing, and do
// not wait for an election timeout.
func TestFailoverLosesNoCommandOfSurvivors(t *testing.T) {
	p := quiet
	p.members = 3
	walkUp(t, p, func(s *sim) {
		for range 10 {
			leader := s.leader()
			leader.crash(true)
			begin := s.now()
			count := len(s.check.history)
			s.run(begin+5*time.Second, func() bool { return len(s.check.history) > count+100 })
			took := s.now() - begin
			if took > 250*time.Millisecond { // most of it for 100 commands
				t.Errorf("%v without service", took)
			}
			leader.boot()
			s.pass(time.Second)
		}
		s.heal() // which fails if a survivor's command was lost
	})
}

// walkLog shows what the members say when one walk is looked at.
func walkLog() zerolog.Logger {
	if *simSeed != 0 {
		return zerolog.New(os.Stderr)
	}
	return zerolog.Nop()
}

// Else one that wins without its own vote, and ends, could lead once more in the
// same term.
func TestVotesAreAskedForWhenTheTermIsOnTheDisk(t *testing.T) {
	walkUp(t, profile{members: 3, delay: time.Millisecond, snapshot: 1000}, func(s *sim) {
		leader := s.leader()
		next := s.members[leader.number%3]
		l, term := next.node.loop, leader.node.loop.term
		next.stalled = s.now() + 100*time.Millisecond
		if err := l.raft.Step(&pb.Message{Type: pb.MsgTimeoutNow.Enum(), From: new(l.leader), To: new(l.peers.self), Term: new(term)}); err != nil {
			s.t.Fatal(err)
		}
		l.ready()
		next.poll()
		s.pass(50 * time.Millisecond)
		if now := leader.node.loop.term; now != term {
			s.t.Errorf("others are in term %d before term %d is on the disk", now, l.term)
		}
		s.pass(2 * time.Second)
		if now := s.leader().node.loop.term; now <= term {
			s.t.Errorf("term %d after term %d", now, term)
		}
	})
}
