package ensemble

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A sim is a whole ensemble on one goroutine. Whatever the members do is an
// event, run in an order that the seed alone decides: the turns of their
// threads, their ticks, what the network brings, and faults. Time is virtual and
// the same in every run: that of the events, which a synctest bubble follows.
type sim struct {
	t       testing.TB
	rng     *rand.Rand
	profile profile
	log     zerolog.Logger
	clock   time.Duration
	slept   time.Duration // how far the bubble is
	events  simEvents
	members []*simMember
	are     []*simMember // memory of current
	cut     simCuts
	check   checker
	knew    uint64 // index of the newest membership that all its voters had on their disks
	wiped   int    // number of the member that has lost its disk and is not back; 0 for none
	calm    bool   // no more faults
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
	full     int  // in thousandths of the others: a disk is full
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
	changed, abandoned, refused, wiped, fulls, resumed                                  int
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
	s := &sim{t: t, rng: rand.New(rand.NewPCG(seed, 1)), profile: p, log: log}
	s.check.begin(s)
	for i := range p.members + p.spares {
		m := &simMember{sim: s, number: i + 1, disk: waltest.New(seed*10 + uint64(i))}
		for t := range simThreads {
			m.turns[t] = m.thread(t)
		}
		s.members = append(s.members, m)
	}
	return s
}

// heal ends all faults and waits until the members are alike and all that was
// proposed by living clients is done.
func (s *sim) heal() {
	s.calm = true
	s.cut.mend()
	for _, m := range s.members {
		m.paused, m.stalled = 0, 0
		m.disk.SetCapacity(0)
		m.inject(-1)
	}
	s.check.last()
	if !s.run(s.now()+30*time.Second, s.check.done) && s.err == nil {
		s.fail("30 s after the last fault: %s", s.check.missing())
	}
}

// fail ends the run.
func (s *sim) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%v: %s", s.now(), fmt.Sprintf(format, args...))
	}
}
