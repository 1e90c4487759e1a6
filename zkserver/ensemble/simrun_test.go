package ensemble

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

var (
	simSeed      = flag.Uint64("sim.seed", 0, "simulate this seed only, and show its log")
	simFirst     = flag.Uint64("sim.first", 1, "simulate from this seed on")
	simSeeds     = flag.Uint64("sim.seeds", 2000, "simulate this many seeds")
	simProcesses = flag.Int("sim.processes", runtime.GOMAXPROCS(0), "share the seeds among this many processes")
)

// profileOf gives a seed its kind of trouble.
func profileOf(seed uint64) profile {
	p := profile{members: 3, length: 3 * time.Second, drop: 10, late: 5, delay: time.Millisecond, faults: 400 * time.Millisecond, snapshot: 400, slowDisk: 5}
	switch seed % 7 {
	case 0:
		p.full = 300
	case 1:
		p.members = 5
	case 2:
		p.drop, p.late, p.delay = 100, 50, 20*time.Millisecond
	case 3:
		p.snapshot, p.full = 30, 200 // so that who was away is given one
	case 4:
		p.snapshot, p.slowDisk, p.full, p.faults = 60, 100, 100, 200*time.Millisecond
	case 5: // the members change
		p.spares, p.changes, p.length, p.snapshot = 2, 500, 6*time.Second, 100
	case 6:
		p.members, p.spares, p.observer, p.changes, p.length = 4, 1, true, 300, 6*time.Second
	}
	return p
}

func TestEnsembleUnderFaults(t *testing.T) {
	switch {
	case *simSeed != 0:
		simulateSeeds(t, *simSeed, 1, zerolog.New(os.Stderr))
	case testing.Short():
		simulateSeeds(t, *simFirst, min(*simSeeds, 2), zerolog.Nop())
	case *simProcesses <= 1:
		simulateSeeds(t, *simFirst, *simSeeds, zerolog.Nop())
	default:
		for i := range uint64(*simProcesses) {
			first, behind := *simSeeds*i/uint64(*simProcesses), *simSeeds*(i+1)/uint64(*simProcesses)
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				simulateElsewhere(t, *simFirst+first, behind-first)
			})
		}
	}
}

// simulateElsewhere simulates some seeds in another process: raft draws its election
// timeouts from what a process has only one of.
func simulateElsewhere(t *testing.T, first, count uint64) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	left := time.Duration(0) // no limit
	if end, ok := t.Deadline(); ok {
		left = max(time.Until(end)-time.Second, time.Second) // it ends before this process, which could not end it
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestEnsembleUnderFaults$", "-test.v", "-sim.processes=1",
		fmt.Sprint("-test.timeout=", left), fmt.Sprint("-sim.first=", first), fmt.Sprint("-sim.seeds=", count))
	out, err := cmd.CombinedOutput()
	t.Logf("%s", bytes.TrimSpace(out))
	if err != nil {
		t.Error(err)
	}
}

// maxFailures is how many seeds may fail before no more are simulated.
const maxFailures = 10

func simulateSeeds(t *testing.T, first, count uint64, log zerolog.Logger) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // what a seed needs is little, and soon garbage
	var sum figures
	failed := 0
	for seed := first; seed < first+count && failed < maxFailures; seed++ {
		f, err := simulate(t, seed, profileOf(seed), log)
		if err != nil {
			failed++
			t.Errorf("seed %d: %v (again: -run %s -sim.seed %d)", seed, err, t.Name(), seed)
		}
		sum.add(f)
	}
	t.Logf("seeds %d to %d: %+v", first, first+count-1, sum)
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
	f.fulls += g.fulls
	f.resumed += g.resumed
}
