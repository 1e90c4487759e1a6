package zkserver

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// atomicTime is a time of the run, in ns.
type atomicTime struct{ atomic.Int64 }

// fault hurts the ensemble.
func (s *simRun) fault() {
	s.revive()
	m := s.members[s.rng.IntN(len(s.members))]
	if s.rng.IntN(10) < 4 { // more often it is the leader
		for _, other := range s.members {
			if other.server != nil && other.server.node.Role().Leading {
				m = other
			}
		}
	}
	s.faults++
	switch s.rng.IntN(14) {
	case 0, 1:
		s.kill((*waltest.Disk).Kill, s.victims(m)...)
	case 2, 3:
		s.kill((*waltest.Disk).PowerCut, s.victims(m)...)
	case 4:
		s.cutOff(func(a, b int) bool { return a == m.number && b != 0 })
	case 5:
		s.cutOff(func(a, b int) bool { return b == m.number && a != 0 })
	case 6:
		s.cutOff(func(a, b int) bool { return a != 0 && b != 0 && (a == m.number || b == m.number) })
	case 7: // any two parts, some of the clients' ways among them
		side := s.rng.IntN(1 << (len(s.members) + 1))
		s.cutOff(func(a, b int) bool { return side>>a&1 == 1 && side>>b&1 == 0 })
	case 8:
		s.resets++
		s.net.end(m.number, false)
	case 9:
		s.stalls++
		m.stalled.Store(s.now() + int64(s.upTo(2*time.Second)))
	case 10:
		s.fulls++
		m.disk.SetCapacity(m.disk.Used())
		time.Sleep(s.upTo(time.Second))
		m.disk.SetCapacity(0)
	case 11: // once: a second could be what the first relies on
		if s.wiped == 0 {
			s.wiped++
			s.kill(func(*waltest.Disk) *waltest.Disk { return waltest.New(s.rng.Uint64()) }, m)
		}
	case 12, 13:
		s.stick(m)
	}
}

// stick has one kind of connection between two members, one of which is given, take
// all that is sent one way and deliver nothing for a while: either those there are,
// or those that are made meanwhile, too.
func (s *simRun) stick(m *simServer) {
	s.stuck++
	other := s.members[(m.number+s.rng.IntN(len(s.members)-1))%len(s.members)]
	stream := simStream{m.number, other.number, []byte{raftStream, framesStream, snapshotStream}[s.rng.IntN(3)]}
	if s.rng.IntN(2) == 0 {
		stream.from, stream.to = stream.to, stream.from
	}
	lasts := s.upTo(2500 * time.Millisecond)
	if s.rng.IntN(2) == 0 {
		time.AfterFunc(lasts, s.net.stick(stream))
		return
	}
	s.net.setStuck(true, stream)
	time.AfterFunc(lasts, func() { s.net.setStuck(false, stream) })
}

// victims are who dies with a member: nobody, or sometimes all.
func (s *simRun) victims(m *simServer) []*simServer {
	if s.rng.IntN(8) == 0 {
		return s.members
	}
	return []*simServer{m}
}

// kill ends processes, and starts them again later; after gives the disk that the
// next one finds.
func (s *simRun) kill(after func(*waltest.Disk) *waltest.Disk, victims ...*simServer) {
	for _, v := range victims {
		s.kills++
		v.end(after)
	}
	time.Sleep(s.upTo(700 * time.Millisecond))
	for _, v := range victims {
		if v.server == nil {
			v.boot()
		}
	}
}

// cutOff cuts ways for a while.
func (s *simRun) cutOff(across func(a, b int) bool) {
	s.cuts++
	var ways [][2]int
	for a := range len(s.members) + 1 {
		for b := range len(s.members) + 1 {
			if a != b && across(a, b) {
				ways = append(ways, [2]int{a, b})
			}
		}
	}
	s.net.setCut(true, ways...)
	time.AfterFunc(s.upTo(2500*time.Millisecond), func() { s.net.setCut(false, ways...) })
}

// inject lets the disk take its time, and do what is planted. Only the log has to
// wait: what waits for a mutex, as for the one of a snapshot that is received, does
// not let virtual time go on.
func (m *simServer) inject() {
	syncs := 0
	m.disk.Inject(func(op waltest.Op, name string) error {
		if op != waltest.OpSync || !isLog(name) {
			return nil
		}
		if left := m.stalled.Load() - m.sim.now(); left > 0 {
			time.Sleep(time.Duration(left))
		}
		if syncs++; m.sim.profile.plant == skippedSync && syncs%4 == 0 {
			return waltest.ErrLie
		}
		return nil
	})
}

// isLog reports whether a file is one of the log's, by the name under which it was
// opened: they are made in advance.
func isLog(name string) bool {
	return strings.HasSuffix(name, ".spare") || strings.HasSuffix(name, ".log")
}
