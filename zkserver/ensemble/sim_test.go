package ensemble

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A sim is a whole ensemble on one goroutine. Whatever the members do is an
// event, run in an order that the seed alone decides: the turns of their
// threads, their ticks, what the network brings, and faults. Time is that of a
// synctest bubble, so that it is virtual and the same in every run.
type sim struct {
	t       testing.TB
	rng     *rand.Rand
	profile profile
	log     zerolog.Logger
	start   time.Time
	events  eventHeap
	seq     int
	members []*simMember
	cut     map[[2]int]bool // from, to
	check   checker
	wiped   int  // number of the member that has lost its disk and is not back; 0 for none
	calm    bool // no more faults
	err     error
	figures figures
}

// A profile says what is done to an ensemble. Chances are in thousandths.
type profile struct {
	members  int
	spares   int  // that join and leave
	observer bool // the last of members has no vote
	alone    bool // the first ran alone before, and the others join it
	changes  int  // in thousandths of the faults: the members change, or one is wiped
	length   time.Duration
	drop     int           // of each message
	delay    time.Duration // of a message, at most; a few take ten times as long
	late     int           // of each message: it comes seconds later, after an election or two
	slowDisk int           // of each write
	faults   time.Duration // between two, on average
	snapshot int64         // entries between snapshots
	plant    plant
}

// figures say what a run has seen.
type figures struct {
	events, messages, commands, terms, crashes, pauses, partitions, transfers, restores int
	changed, abandoned, refused, wiped                                                  int
}

// A simEvent happens at a time of the sim. Of two at the same time the one that
// was planned first comes first.
type simEvent struct {
	at  time.Duration
	seq int
	do  func()
}

type eventHeap []simEvent

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].seq < h[j].seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(simEvent)) }
func (h *eventHeap) Pop() any {
	e := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return e
}

func (s *sim) now() time.Duration { return time.Since(s.start) }

// after plans an event.
func (s *sim) after(d time.Duration, do func()) {
	s.seq++
	heap.Push(&s.events, simEvent{s.now() + d, s.seq, do})
}

// upTo gives a random time.
func (s *sim) upTo(d time.Duration) time.Duration { return time.Duration(s.rng.Int64N(int64(d) + 1)) }

func (s *sim) chance(thousandths int) bool { return s.rng.IntN(1000) < thousandths }

// fail ends the run.
func (s *sim) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%v: %s", s.now(), fmt.Sprintf(format, args...))
	}
}

// run lets events happen until a time, or until done says so.
func (s *sim) run(until time.Duration, done func() bool) bool {
	for len(s.events) > 0 && s.err == nil {
		if done != nil && done() {
			return true
		}
		if s.events[0].at > until {
			time.Sleep(until - s.now())
			return done == nil
		}
		e := heap.Pop(&s.events).(simEvent)
		time.Sleep(e.at - s.now())
		s.figures.events++
		e.do()
	}
	return false
}

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
	planned map[string]bool // turns of this life
	guests  map[int]func()  // ends what connections, by number, stand for
	reach   map[int]bool    // by number; nil for those configured
	clients []*simClient

	directory uint64 // that it had when its disk was lost
	solo      bool   // runs alone
	speaks    uint8  // the version of its program; 0 is the first
	refused   error  // why its program is too old
}

// in plans an event of this life of the member, which a pause puts off.
func (m *simMember) in(d time.Duration, do func()) {
	life := m.life
	var event func()
	event = func() {
		switch now := m.sim.now(); {
		case m.life != life || !m.up:
		case m.paused > now:
			m.sim.after(m.paused-now, event)
		default:
			do()
			if m.up && m.life == life {
				m.poll()
			}
		}
	}
	m.sim.after(d, event)
}

// boot starts the process.
func (m *simMember) boot() {
	s := m.sim
	m.life++
	m.up, m.planned, m.clients, m.former, m.reach = true, map[string]bool{}, nil, nil, nil
	m.guests = map[int]func(){}
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
		m.died(err)
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
	if !m.former.joined {
		return
	}
	id := m.former.id
	m.former = nil
	if err := m.node.formAs(id); err != nil {
		m.died(err)
		return
	}
	m.begin()
}

// begin is called when raft is there.
func (m *simMember) begin() {
	m.tick()
	for range 2 {
		m.in(m.sim.upTo(50*time.Millisecond), func() { m.sim.check.newClient(m) })
	}
	m.in(m.sim.upTo(100*time.Millisecond), m.read)
}

func (m *simMember) tick() {
	m.node.loop.tick()
	m.node.loop.turn()
	if l := m.node.loop; l.removed && l.clock%100 == 0 { // it dials in vain
		for to := range len(m.sim.members) {
			m.sim.bring(m.number, to+1, func(*Node) {})
		}
	}
	m.in(tick, m.tick)
}

// poll plans a turn for every thread that has something to do.
func (m *simMember) poll() {
	s, n := m.sim, m.node
	if m.former != nil {
		m.plan("form", len(n.net.wake) > 0, 50*time.Microsecond, func() error {
			if m.former == nil {
				return nil // it was formed by a tick meanwhile
			}
			<-n.net.wake
			for _, r := range n.net.take(nil) {
				m.former.receive(r.from, r.frame)
			}
			m.formed()
			return nil
		})
		return
	}
	disk := time.Millisecond
	if s.chance(s.profile.slowDisk) {
		disk = 500 * time.Millisecond
	}
	l := n.loop
	m.plan("loop", len(l.in.wake)+len(l.net.wake)+len(l.backlog.wake)+len(l.reads.wake)+len(l.handOver.wake) > 0, 50*time.Microsecond, m.turn)
	m.plan("append", len(n.append.in.wake) > 0 && m.stalled <= s.now(), disk, func() error {
		<-n.append.in.wake
		return n.append.turn(s.t.Context())
	})
	m.plan("apply", len(n.apply.in.wake) > 0, 200*time.Microsecond, func() error {
		<-n.apply.in.wake
		return n.apply.turn(s.t.Context())
	})
	m.plan("snapshot", len(n.snaps.work) > 0, 30*time.Millisecond, func() error {
		return n.snaps.turn(s.t.Context(), <-n.snaps.work)
	})
	m.plan("prepare", len(n.wal.Wanted()) > 0, 5*time.Millisecond, func() error {
		<-n.wal.Wanted()
		return n.wal.Prepare()
	})
	m.plan("again", len(n.snaps.idle) > 0, time.Millisecond, func() error {
		<-n.snaps.idle
		n.snaps.again(n.apply.position, n.apply.machine)
		return nil
	})
	m.plan("transfer", len(n.transfers.wake) > 0, time.Millisecond, func() error {
		<-n.transfers.wake
		for _, message := range n.transfers.take() {
			m.transfer(message)
		}
		return nil
	})
}

// plan has a thread take its turn soon, if it is not to do so already.
func (m *simMember) plan(thread string, wanted bool, within time.Duration, turn func() error) {
	if !wanted || m.planned[thread] {
		return
	}
	m.planned[thread] = true
	m.in(m.sim.upTo(within), func() {
		m.planned[thread] = false
		defer func() {
			if r := recover(); r != nil {
				m.sim.fail("member %d: %v\n%s", m.number, r, debug.Stack())
			}
		}()
		if err := turn(); err != nil {
			m.died(err)
		}
	})
}

// turn is one of the raft loop: like its select it takes any one of what there
// is.
func (m *simMember) turn() error {
	l := m.node.loop
	for _, i := range m.sim.rng.Perm(5) {
		wake := []chan struct{}{l.in.wake, l.net.wake, l.backlog.wake, l.reads.wake, l.handOver.wake}[i]
		if len(wake) == 0 {
			continue
		}
		<-wake
		switch i {
		case 0:
			l.step()
		case 1:
			l.receive()
		}
		break
	}
	l.turn()
	m.sim.check.leads(m)
	m.hurry()
	return nil
}

// died ends the process after an error, which only a power cut may cause, or a
// program that is too old.
func (m *simMember) died(err error) {
	if errors.Is(err, ErrOutdated) {
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
			delete(other.guests, m.number)
		}
		if other != m {
			s.bring(m.number, other.number, func(n *Node) { n.ReceiveGone(m.number) })
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
	done, seen, life := make(chan struct{}), m.sim.check.committed(), m.life
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
	if m.life == life {
		look()
	}
}

// A simTransport is the sending half of the network; bring is the other.
type simTransport struct{ m *simMember }

func (t simTransport) Run(context.Context, Receiver) error { return nil }

func (t simTransport) SetMembers(others []Member) {
	t.m.reach = map[int]bool{}
	for _, o := range others {
		t.m.reach[o.Number] = true
	}
}

func (t simTransport) SendRaft(to int, m *pb.Message) {
	b, err := proto.Marshal(m)
	if err != nil {
		t.m.sim.fail("marshal: %v", err)
	}
	who := t.m.node.Credentials()
	t.m.sim.bring(t.m.number, to, func(r *Node) {
		m := &pb.Message{}
		if err := proto.Unmarshal(b, m); err != nil {
			t.m.sim.fail("unmarshal: %v", err)
		}
		r.ReceiveRaft(who, m)
	})
}

func (t simTransport) SendFrame(to int, frame []byte) {
	frame = bytes.Clone(frame)
	who := t.m.node.Credentials()
	t.m.sim.bring(t.m.number, to, func(r *Node) { r.ReceiveFrame(who, t.m.sim.members[to-1].frame(frame)) })
}

func (t simTransport) SendSnapshot(context.Context, int, io.Reader) error {
	return errors.ErrUnsupported
}

// bring has a message arrive later, or never, or after others.
func (s *sim) bring(from, to int, deliver func(*Node)) {
	s.figures.messages++
	sender, life := s.members[from-1], s.members[from-1].life
	if sender.reach != nil && !sender.reach[to] {
		return
	}
	if s.cut[[2]int{from, to}] || !s.calm && s.chance(s.profile.drop) {
		return
	}
	delay := 50*time.Microsecond + s.upTo(s.profile.delay)
	if !s.calm && s.chance(20) {
		delay += s.upTo(10 * s.profile.delay)
	}
	if !s.calm && s.chance(s.profile.late) {
		delay += s.upTo(3 * time.Second) // through an election or two
	}
	s.after(delay, func() {
		m := s.members[to-1]
		if m.up && !s.cut[[2]int{from, to}] {
			if s.admits(m, sender, life) {
				deliver(m.node)
			}
			m.poll()
		}
	})
}

// admits is the handshake of a connection that is made for each message.
func (s *sim) admits(m, sender *simMember, life int) bool {
	if sender.node == nil || m.node == nil || sender.life != life {
		return true // it was made before
	}
	leave, err := m.node.Admit(sender.node.Credentials())
	if old := m.guests[sender.number]; old != nil {
		old()
	}
	m.guests[sender.number] = leave
	if errors.Is(err, ErrRemoved) && sender.up {
		sender.node.ReceiveRemoved(m.number, err.Error())
		sender.poll()
	}
	return err == nil
}

// transfer carries a snapshot, or a part of it.
func (m *simMember) transfer(message *pb.Message) {
	s := m.sim
	s.figures.transfers++
	to, _ := m.node.peers.numberOf(message.GetTo())
	r, err := m.node.transfers.open(message)
	if err != nil {
		m.node.transfers.done(message, err)
		return
	}
	b, err := io.ReadAll(r)
	r.Close()
	if err != nil {
		s.fail("member %d: read a snapshot: %v", m.number, err)
	}
	m.in(s.upTo(200*time.Millisecond), func() {
		other := s.members[to-1]
		var whole io.Reader = bytes.NewReader(b)
		broken := !s.calm && s.chance(200)
		if broken {
			whole = io.MultiReader(bytes.NewReader(b[:s.rng.IntN(len(b))]), brokenReader{})
		}
		err := errors.New("not reached")
		if other.up && !s.cut[[2]int{m.number, to}] {
			if err = other.node.ReceiveSnapshot(m.node.Credentials(), whole); errors.Is(err, waltest.ErrPowerCut) {
				other.died(err)
			} else if err != nil && !broken && !errors.Is(err, errNotFormed) && !errors.Is(err, errReceiving) && !errors.Is(err, wal.ErrDiskFull) {
				s.fail("member %d: %v", to, err)
			}
			if other.up {
				other.poll()
			}
		}
		m.node.transfers.done(message, err)
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// faults hurts the ensemble now and then.
func (s *sim) faults() {
	if s.calm {
		return
	}
	m := s.members[s.rng.IntN(len(s.members))]
	if s.chance(300) { // more often it is the leader
		for _, other := range s.members {
			if other.up && other.former == nil && other.node.loop.leading {
				m = other
			}
		}
	}
	if s.chance(s.profile.changes) {
		s.change(m)
		s.after(s.upTo(2*s.profile.faults), s.faults)
		return
	}
	switch s.rng.IntN(9) {
	case 0:
		if m.up {
			m.crash(false)
		}
	case 1:
		if m.up {
			m.crash(true)
		}
	case 2: // in the middle of a write
		m.inject(s.rng.IntN(40))
	case 3:
		s.figures.pauses++
		m.paused = s.now() + s.upTo(time.Second)
	case 4, 5: // one member is cut off, one-way or both
		s.partition(func(a, b int) bool { return a == m.number }, s.rng.IntN(3))
	case 6: // any two parts
		side := s.rng.IntN(1 << len(s.members))
		s.partition(func(a, b int) bool { return side>>(a-1)&1 == 1 && side>>(b-1)&1 == 0 }, s.rng.IntN(3))
	case 7:
		clear(s.cut)
	case 8:
		m.stalled = s.now() + s.upTo(2*time.Second)
	}
	s.after(s.upTo(2*s.profile.faults), s.faults)
}

// partition cuts the links from one side to the other: 0 one way, 1 the other,
// 2 both.
func (s *sim) partition(across func(a, b int) bool, ways int) {
	s.figures.partitions++
	for _, a := range s.members {
		for _, b := range s.members {
			if a != b && across(a.number, b.number) {
				if ways != 1 {
					s.cut[[2]int{a.number, b.number}] = true
				}
				if ways != 0 {
					s.cut[[2]int{b.number, a.number}] = true
				}
			}
		}
	}
	s.after(s.upTo(3*time.Second), func() { clear(s.cut) })
}

// simulate runs one seed.
func simulate(t *testing.T, seed uint64, p profile, log zerolog.Logger) (f figures, err error) {
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, seed, p, log)
		for _, m := range s.members {
			s.after(s.upTo(300*time.Millisecond), m.boot)
		}
		s.after(s.upTo(2*p.faults), s.faults)
		s.run(p.length, nil)
		s.heal()
		f, err = s.figures, s.err
		f.terms, f.commands = len(s.check.leaders), len(s.check.history)
	})
	return f, err
}

// newSim makes an ensemble of which no member runs.
func newSim(t testing.TB, seed uint64, p profile, log zerolog.Logger) *sim {
	s := &sim{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), profile: p, log: log, start: time.Now(), cut: map[[2]int]bool{},
	}
	s.check.begin(s)
	for i := range p.members + p.spares {
		s.members = append(s.members, &simMember{sim: s, number: i + 1, disk: waltest.New(seed*10 + uint64(i))})
	}
	return s
}

// heal ends all faults and waits until the members are alike and all that was
// proposed by living clients is done.
func (s *sim) heal() {
	s.calm = true
	clear(s.cut)
	for _, m := range s.members {
		m.paused, m.stalled = 0, 0
		m.inject(-1)
	}
	s.check.last()
	if !s.run(s.now()+30*time.Second, s.check.done) && s.err == nil {
		s.fail("30 s after the last fault: %s", s.check.missing())
	}
}
