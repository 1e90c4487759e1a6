package ensemble

import (
	"errors"
	"time"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A simMember is one member, through all the lives of its process.
type simMember struct {
	sim    *sim
	number int
	disk   *waltest.Disk

	life    int // counts processes
	up      bool
	gone    bool          // does not come back by itself
	paused  time.Duration // until
	stalled time.Duration // until then the disk finishes nothing
	node    *Node
	machine *simMachine
	former  *former
	planned [simThreads]bool // turns of this life
	turns   [simThreads]func()
	guests  [16]func() // ends what connections, by number, stand for
	reach   *uint64    // whom, one bit for each number; nil for those configured
	clients []*simClient

	directory uint64 // that it had when its disk was lost
	solo      bool   // runs alone
	speaks    uint8  // the version of its program; 0 is the first
	mayEnd    bool   // its directory may be of no use
	refused   error  // why its program is too old, or its directory of no use
}

// boot starts the process.
func (m *simMember) boot() {
	s := m.sim
	m.life++
	m.up, m.planned, m.clients, m.former, m.reach = true, [simThreads]bool{}, nil, nil, nil
	m.guests = [16]func(){}
	m.machine = &simMachine{member: m, speaks: max(m.speaks, firstVersion)}
	m.inject(-1)
	cfg := Config{
		Dir: "/data", FS: m.disk, Machine: m.machine, SegmentBytes: 16 << 10, SnapshotEntries: s.profile.snapshot,
		Number: m.number, Version: m.speaks, Transport: simTransport{m}, Log: s.log.With().Int("at", m.number).Logger(),
	}
	cfg.Members, cfg.Join = s.configuredAt(m)
	if m.solo {
		cfg.Members, cfg.Join, cfg.Transport = nil, false, nil
	}
	n, err := Open(cfg)
	if err != nil {
		m.unopened(err)
		return
	}
	m.node = n
	if n.formed() {
		m.begin()
	} else {
		m.former = newFormer(m.forgetful(n), cfg.Members, cfg.Join, cfg.Log)
		m.hello()
	}
	m.poll()
}

func (m *simMember) hello() {
	if m.former == nil {
		return
	}
	m.former.tick()
	m.node.greet(m.former)
	m.formed()
	if m.former != nil {
		m.in(helloEvery, m.hello)
	}
}

func (m *simMember) formed() {
	if err := m.former.err; err != nil {
		m.former = nil
		m.died(err)
		return
	}
	if !m.former.joined {
		return
	}
	id := m.former.id
	m.former = nil
	if err := m.node.formAs(id); err != nil {
		m.unopened(err)
		return
	}
	m.begin()
}

// begin is called when raft is there.
func (m *simMember) begin() {
	var ticks func()
	ticks = func() {
		m.tick()
		m.in(tick, ticks)
	}
	ticks()
	for range 2 {
		m.in(m.sim.upTo(50*time.Millisecond), func() { m.sim.check.newClient(m) })
	}
	m.in(m.sim.upTo(100*time.Millisecond), m.read)
}

func (m *simMember) tick() {
	l := m.node.loop
	l.tick()
	l.turn()
	if l.clock%100 == 0 {
		m.node.snaps.remind()
	}
	if l.clock%100 == 0 { // it dials, maybe in vain: connections of those who are no members are closed
		for to := range len(m.sim.members) {
			m.send(to+1, simPacket{})
		}
	}
}

// unopened ends the process when it could not begin, for which there is a reason
// more: a full disk.
func (m *simMember) unopened(err error) {
	if errors.Is(err, wal.ErrDiskFull) {
		m.crash(true)
		return
	}
	m.died(err)
}

// died ends the process after an error, which only a power cut may cause, a program
// that is too old, or a directory that is not to be used.
func (m *simMember) died(err error) {
	if errors.Is(err, ErrOutdated) || m.mayEnd {
		m.refused, m.gone = err, true
		m.crash(false)
		return
	}
	if !errors.Is(err, waltest.ErrPowerCut) {
		m.sim.fail("member %d: %v", m.number, err)
		return
	}
	m.crash(true)
}

// crash ends the process and starts another one later.
func (m *simMember) crash(power bool) {
	s := m.sim
	s.figures.crashes++
	m.up = false
	if power {
		m.disk = m.disk.PowerCut()
	} else {
		m.disk = m.disk.Kill()
	}
	for _, other := range s.members {
		if leave := other.guests[m.number]; leave != nil {
			leave()
			other.guests[m.number] = nil
		}
		if other != m {
			m.send(other.number, simPacket{gone: true})
		}
	}
	if m.gone {
		return
	}
	down := s.upTo(2 * time.Second)
	if s.calm {
		down = 0
	}
	s.after(down, m.boot)
}

// read asks for a ReadIndex now and then.
func (m *simMember) read() {
	done, seen := make(chan struct{}), m.sim.check.committed()
	if m.sim.profile.plant == staleRead {
		close(done)
	} else {
		m.node.reads.add(done)
	}
	var look func()
	look = func() {
		select {
		case <-done:
			if m.machine.count < seen {
				m.sim.fail("member %d answered a read after %d commands, %d were acknowledged before", m.number, m.machine.count, seen)
			}
			m.in(m.sim.upTo(200*time.Millisecond), m.read)
		default:
			m.in(5*time.Millisecond, look)
		}
	}
	look()
}
