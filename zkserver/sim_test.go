package zkserver

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/storm/history"
	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "simulate this seed only, and show its log")
	simFirst = flag.Uint64("sim.first", 1, "simulate from this seed on")
	simSeeds = flag.Uint64("sim.seeds", 8, "simulate this many seeds")
)

// A simRun is an ensemble of whole servers, with their clients, in one synctest
// bubble: what is run is the program but for its sockets, its disk and the time,
// and these are the seed's to decide. Goroutines that could go on at the same
// moment do so in an order that is not, so that a seed is alike each time, and not
// always the same; package ensemble's own simulation is exact, but has no sessions.
type simRun struct {
	t       testing.TB
	log     zerolog.Logger
	start   time.Time
	rng     *rand.Rand // of the faults
	profile simProfile
	net     *simNet
	members []*simServer
	rec     history.Recorder
	lives   sync.WaitGroup // of processes and what is planted into them
	calm    atomic.Bool    // no more faults
	refused atomic.Int64   // writes, for a full disk
	figures

	mu  sync.Mutex // protects err
	err error
}

// A simProfile says what is done to an ensemble.
type simProfile struct {
	members   int
	clients   int
	length    time.Duration
	delay     time.Duration // of the network
	faults    time.Duration // between two, on average
	snapshots int64         // batches between them
	plant     simPlant

	// linearizable says that reads are, without a sync.
	linearizable bool
}

// figures say what a run has seen: the faults, the events of watches and the
// operations.
type figures struct {
	kills, cuts, resets, stuck, stalls, fulls, wiped, faults, refused, events, ops int
}

// simProfileOf gives a seed its kind of trouble.
func simProfileOf(seed uint64) simProfile {
	p := simProfile{members: 3, clients: 9, length: 6 * time.Second, delay: time.Millisecond, faults: 300 * time.Millisecond, snapshots: 200}
	p.linearizable = seed/4%2 == 0
	switch seed % 4 {
	case 1:
		p.members = 5
	case 2:
		p.delay = 20 * time.Millisecond
	case 3:
		p.snapshots = 20 // so that who was away is given one
	}
	return p
}

// Whole servers keep what they promise, whatever disks and networks do.
func TestServersUnderFaults(t *testing.T) {
	first, count, log := *simFirst, *simSeeds, zerolog.Nop()
	if *simSeed != 0 {
		first, count = *simSeed, 1
		log = zerolog.New(os.Stderr)
	}
	if testing.Short() {
		first, count = 4, 1 // the race detector takes ten times as long
	}
	began := time.Now()
	var sum figures
	for seed := first; seed < first+count; seed++ {
		f, err := simulateServers(t, seed, simProfileOf(seed), log)
		if err != nil {
			t.Fatalf("seed %d: %v\n(again: -run %s -sim.seed %d)", seed, err, t.Name(), seed)
		}
		sum.add(f)
	}
	t.Logf("%d seeds, %.1f a second: %+v", count, float64(count)/time.Since(began).Seconds(), sum)
}

func (f *figures) add(g figures) {
	f.kills += g.kills
	f.cuts += g.cuts
	f.resets += g.resets
	f.stuck += g.stuck
	f.stalls += g.stalls
	f.fulls += g.fulls
	f.wiped += g.wiped
	f.faults += g.faults
	f.refused += g.refused
	f.events += g.events
	f.ops += g.ops
}

// simulateServers runs one seed.
func simulateServers(t *testing.T, seed uint64, p simProfile, log zerolog.Logger) (f figures, err error) {
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(t *testing.T) {
		s := &simRun{t: t, log: log, start: time.Now(), rng: rand.New(rand.NewPCG(seed, 1)), profile: p}
		s.net = newSimNet(rand.New(rand.NewPCG(seed, 2)), p.delay)
		for n := 1; n <= p.members; n++ {
			m := &simServer{sim: s, number: n, disk: waltest.New(seed*10 + uint64(n))}
			s.members = append(s.members, m)
			m.boot()
		}
		s.play(seed)
		for _, m := range s.members {
			m.end((*waltest.Disk).Kill)
		}
		s.lives.Wait()
		f, err = s.figures, s.err
		f.refused = int(s.refused.Load())
		for _, o := range s.rec.Ops() {
			if f.ops++; o.Kind == history.Event {
				f.events++
			}
		}
	})
	return f, err
}

// play lets clients work while things go wrong, and checks what came of it.
func (s *simRun) play(seed uint64) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var clients sync.WaitGroup
	s.prepare(ctx)
	for i := range s.profile.clients {
		c := s.newClient(fmt.Sprintf("c%d", i), rand.New(rand.NewPCG(seed, 100+uint64(i))))
		clients.Go(func() { c.live(ctx, simRoles[i%len(simRoles)]) })
	}
	for s.now() < int64(s.profile.length) && s.failed() == nil {
		time.Sleep(s.upTo(2 * s.profile.faults))
		s.fault()
	}
	s.calm.Store(true)
	s.revive()
	s.net.mend()
	for _, m := range s.members {
		m.stalled.Store(0)
		m.inject()
		if m.server == nil {
			m.boot()
		}
	}
	time.Sleep(500 * time.Millisecond)
	stop()
	clients.Wait()
	s.last()
}

// revive starts the processes that have given up.
func (s *simRun) revive() {
	for _, m := range s.members {
		if m.server != nil && m.gaveUp.Load() {
			m.end((*waltest.Disk).Kill)
			m.boot()
		}
	}
}

// prepare waits for the first quorum, and makes the parents.
func (s *simRun) prepare(ctx context.Context) {
	c := s.newClient("first", rand.New(rand.NewPCG(1, 1)))
	for _, p := range []string{simRegisters, simSequences, simEphemerals} {
		for done := false; !done && s.now() < int64(time.Minute); {
			if c.nc == nil {
				c.connect(ctx)
			}
			o := c.create(history.Create, p, 0)
			done = o.Code == history.OK || o.Code == history.Exists
		}
	}
	c.leave(true)
}

// upTo gives a random time.
func (s *simRun) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rng.Int64N(int64(d) + 1))
}

// fail notes the first thing that is wrong.
func (s *simRun) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = fmt.Errorf("%v: %s", time.Since(s.start), fmt.Sprintf(format, args...))
	}
}

func (s *simRun) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// last waits until all members are alike and no session is left, and checks the
// history.
func (s *simRun) last() {
	for begin := s.now(); ; time.Sleep(50 * time.Millisecond) {
		if s.failed() != nil {
			return
		}
		why := s.unlike()
		if why == "" {
			break
		}
		// One that has lost its directory may have to be taken in twice: a full disk
		// keeps the leader from writing the snapshot that it is to get.
		if s.now() > begin+int64(2*time.Minute) {
			s.fail("2 m after the last fault: %s", why)
			return
		}
	}
	s.readLast()
	s.seekNumbers()
	for _, v := range history.Check(s.rec.Ops()) {
		s.fail("%v", v)
	}
}

// A simServer is one member, through all the lives of its process.
type simServer struct {
	sim     *simRun
	number  int
	disk    *waltest.Disk
	stalled atomicTime // until then the disk finishes no sync

	server *Server // nil while it is down
	stop   context.CancelFunc
	killed *atomic.Bool // this life
	gaveUp *atomic.Bool // this life ended itself, since the disk was full
}

func clientAddr(number int) string { return fmt.Sprintf("client-%d:2181", number) }
func peerAddr(number int) string   { return fmt.Sprintf("peer-%d:2888", number) }

// boot starts the process.
func (m *simServer) boot() {
	s := m.sim
	m.inject()
	cfg := Config{
		Dir: "/data", FS: m.disk, Listener: s.net.listen(m.number, clientAddr(m.number)), Tick: 100 * time.Millisecond, MaxFrame: 16 << 10,
		LinearizableReads: s.profile.linearizable, SnapshotEntries: s.profile.snapshots, SegmentBytes: 64 << 10, Log: s.log.With().Int("at", m.number).Logger(),
	}
	cfg.Ensemble = Ensemble{Number: m.number, Listener: s.net.listen(m.number, peerAddr(m.number))}
	for n := 1; n <= s.profile.members; n++ {
		cfg.Ensemble.Members = append(cfg.Ensemble.Members, Member{Number: n, Address: peerAddr(n)})
	}
	cfg.Ensemble.Dial = func(ctx context.Context, to Member) (net.Conn, error) {
		return s.net.dial(ctx, m.number, to.Address)
	}
	server, err := Open(cfg)
	if err != nil {
		s.fail("member %d does not start: %v", m.number, err)
		return
	}
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	killed, gaveUp := new(atomic.Bool), new(atomic.Bool)
	m.server, m.killed, m.gaveUp = server, killed, gaveUp
	m.plant(ctx)
	s.lives.Go(func() {
		err := server.Run(ctx)
		if errors.Is(err, wal.ErrDiskFull) { // it had nothing to lose yet
			gaveUp.Store(true)
		} else if err != nil && !killed.Load() {
			s.fail("member %d ended: %v", m.number, err)
		}
	})
}

// end ends the process; after gives the disk that the next one finds.
func (m *simServer) end(after func(*waltest.Disk) *waltest.Disk) {
	if m.server == nil {
		return
	}
	m.killed.Store(true)
	m.sim.net.end(m.number, true)
	m.disk = after(m.disk)
	m.stop()
	m.server = nil
}
