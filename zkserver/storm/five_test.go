package storm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/storm/history"
)

// The classic story: five servers, started one by one, of which any two may die.
func TestFiveServers(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode: real processes")
	}
	t.Parallel()
	fiveServers(t, ours{})
}

func TestInteropFiveServersOnReference(t *testing.T) {
	needReference(t)
	fiveServers(t, theirs{})
}

// A story is an ensemble with a client that writes.
type story struct {
	*ensemble
	t      *testing.T
	load   load
	client *client

	parents int // of roots, that are there
	writes  int
}

func fiveServers(t *testing.T, p product) {
	s := &story{ensemble: newEnsemble(t, p, 5), t: t}
	s.client = connect(t, &s.load.rec, "writer", rand.New(rand.NewPCG(1, 1)), s.doors())
	defer s.client.conn.Close()

	for i, m := range s.members {
		m.start()
		if i < 2 {
			s.noService(fmt.Sprintf("%d of five have been started", i+1))
			continue
		}
		s.service(fmt.Sprintf("%d of five have been started", i+1))
		s.oneLeads(i)
	}
	for i := range 3 {
		s.leader().kill()
		if i < 2 {
			s.service(fmt.Sprintf("%d of five are dead", i+1))
			s.oneLeads(3 - i)
		}
	}
	s.noService("three of five are dead")
	s.start()
	s.service("all are back")
	s.oneLeads(4)

	for range 2 {
		s.olderDoesNotLead()
	}
	s.client.conn.Close()
	s.endure(t, &s.load)
	for _, v := range history.Check(s.load.rec.Ops()) {
		t.Error(v)
	}
	t.Logf("%d writes", s.writes)
}

// service wants a write to be acknowledged.
func (s *story) service(when string) {
	s.t.Helper()
	await(s.t, time.Minute, "service when "+when, s.write)
}

// noService wants none to be, for some time.
func (s *story) noService(when string) {
	s.t.Helper()
	if within(2*time.Second, s.write) {
		s.t.Fatalf("service when %s", when)
	}
	if l := s.leader(); l != nil {
		s.t.Fatalf("%s leads when %s", l.name, when)
	}
}

// write makes znodes, some of which may come about later, and changes one.
func (s *story) write() bool {
	for ; s.parents < len(roots); s.parents++ {
		if code := s.client.create(roots[s.parents]).Code; code != history.OK && code != history.Exists {
			return false
		}
	}
	s.writes++
	path := fmt.Sprintf("%s/%d", registers, s.writes)
	return s.client.create(path).Code == history.OK && s.client.set(path, 0).Code == history.OK
}

// oneLeads waits until one member leads and so many follow.
func (s *story) oneLeads(following int) {
	s.t.Helper()
	var modes map[string]int
	if !within(time.Minute, func() bool {
		modes = map[string]int{}
		for _, m := range s.members {
			if m.running() {
				modes[m.mode()]++
			}
		}
		return modes["leader"] == 1 && modes["follower"] == following && len(modes) == 2
	}) {
		s.t.Fatalf("%v, want one leader and %d followers", modes, following)
	}
}

// olderDoesNotLead kills a follower, and after more writes all others. It must not
// lead when it is started first, and then two of those that know more.
func (s *story) olderDoesNotLead() {
	s.t.Helper()
	var old *member
	for _, m := range s.members {
		if m.mode() == "follower" {
			old = m
		}
	}
	old.kill()
	for range 20 {
		s.service("one of five is dead")
	}
	for _, m := range s.members {
		m.kill()
	}
	old.start()
	for _, m := range s.members {
		if m != old {
			m.start()
			if s.running() == 3 {
				break
			}
		}
	}
	s.service("three are back")
	if s.leader() == old {
		s.t.Errorf("%s, with older data, leads", old.name)
	}
	s.start()
	s.oneLeads(4)
}

// running counts the members that run.
func (s *story) running() int {
	n := 0
	for _, m := range s.members {
		if m.running() {
			n++
		}
	}
	return n
}
