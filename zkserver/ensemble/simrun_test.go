package ensemble

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "simulate this seed only, and show its log")
	simFirst = flag.Uint64("sim.first", 1, "simulate from this seed on")
	simSeeds = flag.Uint64("sim.seeds", 40, "simulate this many seeds")
)

// profileOf gives a seed its kind of trouble.
func profileOf(seed uint64) profile {
	p := profile{members: 3, length: 3 * time.Second, drop: 10, late: 5, delay: time.Millisecond, faults: 400 * time.Millisecond, snapshot: 400, slowDisk: 5}
	switch seed % 7 {
	case 1:
		p.members = 5
	case 2:
		p.drop, p.late, p.delay = 100, 50, 20*time.Millisecond
	case 3:
		p.snapshot = 30 // so that who was away is given one
	case 4:
		p.snapshot, p.slowDisk, p.faults = 60, 100, 200*time.Millisecond
	case 5: // the members change
		p.spares, p.changes, p.length, p.snapshot = 2, 500, 6*time.Second, 100
	case 6:
		p.members, p.spares, p.observer, p.changes, p.length = 4, 1, true, 300, 6*time.Second
	}
	return p
}

func TestEnsembleUnderFaults(t *testing.T) {
	first, count, log := *simFirst, *simSeeds, zerolog.Nop()
	if *simSeed != 0 {
		first, count = *simSeed, 1
		log = zerolog.New(os.Stderr)
	}
	if testing.Short() {
		count = min(count, 2)
	}
	var sum figures
	for seed := first; seed < first+count; seed++ {
		f, err := simulate(t, seed, profileOf(seed), log)
		if err != nil {
			t.Fatalf("seed %d: %v (again: -run %s -sim.seed %d)", seed, err, t.Name(), seed)
		}
		sum.add(f)
	}
	t.Logf("%d seeds: %+v", count, sum)
}

// skipIfShort leaves a long simulation to the runs without the race detector: it
// is on one goroutine, where there is nothing for it to see.
func skipIfShort(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation on one goroutine, tested without -short")
	}
}

func (f *figures) add(g figures) {
	f.events += g.events
	f.messages += g.messages
	f.terms += g.terms
	f.commands += g.commands
	f.crashes += g.crashes
	f.pauses += g.pauses
	f.partitions += g.partitions
	f.transfers += g.transfers
	f.restores += g.restores
	f.changed += g.changed
	f.abandoned += g.abandoned
	f.refused += g.refused
	f.wiped += g.wiped
}
