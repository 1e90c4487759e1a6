package suites

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver/reference"
)

var churnRuns = flag.Int("suites.churn", 0, "run every program so many times on ensembles in churn, ours and Apache ZooKeeper's; 0: only some programs, and on Apache ZooKeeper's only for what does not pass on ours")

// ensemblePrograms are those of [programs] and more, the first of which are run in
// the short form.
var ensemblePrograms = append(slices.Clone(programs), struct {
	name    string
	prepare func(t *testing.T) []string
}{"zkcli", func(t *testing.T) []string { return []string{source(t, "zkcli/suite.sh"), reference.Shell} }})

var shortPrograms = []string{"kazoo", "c"}

// TestInteropSuitesWhileMembersAreKilled runs the programs with the addresses of
// three members, one of which is killed and started again every few seconds. A
// check may fail there, as most do not expect to lose their connection; but none
// may fail always that passes on Apache ZooKeeper under the same treatment.
func TestInteropSuitesWhileMembersAreKilled(t *testing.T) {
	reference.Need(t)
	ours := startOurs(t)
	t.Cleanup(churn(ours))
	theirs := sync.OnceValue(func() service { // for all programs; made when one needs it
		s := startApache(t)
		t.Cleanup(churn(s))
		return s
	})
	tries, least := 3, 0
	if *churnRuns > 0 {
		tries, least = *churnRuns, *churnRuns
	}
	t.Run("clients", func(t *testing.T) { // ends when all are done
		for _, p := range ensemblePrograms {
			if *churnRuns == 0 && !slices.Contains(shortPrograms, p.name) {
				continue
			}
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				command := p.prepare(t)
				our, their := &tally{t: t, name: "ours"}, &tally{t: t, name: "Apache ZooKeeper"}
				our.run(command, ours, least, tries, func() bool { return our.whole && len(our.never()) == 0 })
				if least == 0 && our.whole && len(our.never()) == 0 {
					return
				}
				their.run(command, theirs(), least, tries, func() bool { return len(our.worse(their)) == 0 })
				for _, w := range our.worse(their) {
					t.Error(w)
				}
			})
		}
	})
}

// A tally is how the checks of a program went in several runs.
type tally struct {
	t      *testing.T
	name   string
	names  []string
	passed map[string]int
	failed map[string]int
	why    map[string]string // of the last failure
	whole  bool              // one of the runs came to its end
}

// run runs the program at least and at most so often, and ends when enough is true.
func (y *tally) run(command []string, s service, least, most int, enough func() bool) {
	for try := 0; try < least || try < most && !enough(); try++ {
		o := run(y.t, command, s.connect(), fmt.Sprintf("/%s-%d", filepath.Base(y.t.Name()), try))
		y.add(o)
		y.t.Logf("run %d on %s, end %v: %d checks, %d failed", try+1, y.name, o.err, len(o.names), len(o.why))
		for name, why := range o.why {
			y.t.Logf("   %s: %s", name, why)
		}
	}
}

func (y *tally) add(o outcomes) {
	if y.passed == nil {
		y.passed, y.failed, y.why = map[string]int{}, map[string]int{}, map[string]string{}
	}
	y.whole = y.whole || o.err == nil
	for _, name := range o.names {
		if !slices.Contains(y.names, name) {
			y.names = append(y.names, name)
		}
		if why, failed := o.why[name]; failed {
			y.failed[name]++
			y.why[name] = why
		} else {
			y.passed[name]++
		}
	}
}

// never gives the checks that never passed.
func (y *tally) never() []string {
	return slices.DeleteFunc(slices.Clone(y.names), func(name string) bool { return y.passed[name] > 0 })
}

// worse says which checks never passed here, and never failed there.
func (y *tally) worse(there *tally) []string {
	var w []string
	for _, name := range there.names {
		if y.passed[name] == 0 && there.failed[name] == 0 {
			w = append(w, fmt.Sprintf("%s passes on %s; on %s, in %d runs, %s", name, there.name, y.name, y.failed[name], y.why[name]))
		}
	}
	if there.names == nil {
		w = append(w, "nothing ran on "+there.name+" yet; not passed on "+y.name+": "+strings.Join(y.never(), " "))
	}
	if there.whole && !y.whole {
		w = append(w, fmt.Sprintf("the program comes to its end on %s, and never on %s", there.name, y.name))
	}
	return w
}

func TestATallyIsWorseInWhatNeverPasses(t *testing.T) {
	ours, theirs := &tally{name: "ours"}, &tally{name: "theirs"}
	ours.add(parseOutcomes("ok a\nFAIL b was 1\nFAIL c was 1\nFAIL d was 1\n"))
	ours.add(parseOutcomes("FAIL a was 1\nFAIL b was 2\nok d\n"))
	theirs.add(parseOutcomes("FAIL a was 1\nok b\nok c\nok d\n"))
	theirs.add(parseOutcomes("ok a\nok b\nFAIL c was 1\nok d\n"))
	if got, want := ours.worse(theirs), []string{"b passes on theirs; on ours, in 2 runs, it failed: was 2"}; !slices.Equal(got, want) {
		t.Errorf("worse: %q, want %q", got, want)
	}
}
