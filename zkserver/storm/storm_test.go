package storm

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/storm/history"
)

var (
	faults  = flag.Int("storm.faults", 8, "do this many faults to ours")
	theirsN = flag.Int("storm.reference", 0, "do this many faults to Apache ZooKeeper; 0: none, and no story")
	seed    = flag.Uint64("storm.seed", 0, "where the faults come from; 0: one is drawn")
	members = flag.Int("storm.members", 3, "how many servers there are")
	python  = flag.Bool("storm.kazoo", false, "let clients of kazoo work, too")
	only    = flag.String("storm.only", "", "do only faults of this kind")
	keep    = flag.String("storm.keep", "", "write histories, and logs of servers, to this directory")
)

// Three servers keep what they promise, whatever happens to them.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode: real processes, and a client library that races")
	}
	t.Parallel()
	under(t, ours{}, *faults, *python)
}

// The same with clients of Python, which are installed.
func TestInteropStormWithKazoo(t *testing.T) {
	reference.Interop(t)
	under(t, ours{}, *faults/2, true)
}

// That nothing is found here shows that what is found above is ours.
func TestInteropStormOnReference(t *testing.T) {
	needReference(t)
	under(t, theirs{}, *theirsN, true)
}

// needReference skips what takes a minute and shows only that the checks are right.
func needReference(t *testing.T) {
	t.Helper()
	if *theirsN == 0 {
		t.Skip("-storm.reference is 0: not tested: that the checks find nothing on Apache ZooKeeper")
	}
	reference.Need(t)
}

// under runs a load under faults and checks what came of it.
func under(t *testing.T, p product, faults int, kazoo bool) {
	from := *seed
	if from == 0 {
		from = rand.Uint64N(1e6) + 1
	}
	linearizable := false
	if own, ok := p.(ours); ok { // with every second seed
		linearizable = from%2 == 1
		own.linearizable = linearizable
		p = own
	}
	t.Logf("%d faults from seed %d, linearizable reads: %v", faults, from, linearizable)
	e := newEnsemble(t, p, *members)
	e.start()
	await(t, 3*time.Minute, "a leader", func() bool { return e.leader() != nil })

	began := time.Now()
	l := startLoad(t, from, e.doors(), linearizable)
	var beside *pythons
	if kazoo {
		beside = l.startKazoo(t)
	}
	s := &storm{ensemble: e, rng: rand.New(rand.NewPCG(from, 99)), log: t.Logf, hits: map[kind]int{}, load: l}
	s.rage(faults)
	e.mend()
	l.end()
	if kazoo {
		beside.end(t, l)
	}
	raged := time.Since(began)
	e.endure(t, l)
	ops := l.rec.Ops()
	e.report(t, ops)
	t.Logf("%d faults in %v: %v", faults, raged.Round(time.Second), s.hits)
	t.Logf("%d operations, %d writes acknowledged, longest time without one %v",
		len(ops), l.acked.Load(), time.Duration(l.quietest.Load()).Round(time.Millisecond))
	if s.hits[fullDisk] > 0 {
		t.Logf("%d writes refused by full disks", l.refused.Load())
	}
	count(t, ops)
}

// report says what is wrong with a history, and keeps what may explain it.
func (e *ensemble) report(t *testing.T, ops []history.Op) {
	t.Helper()
	for _, v := range history.Check(ops) {
		t.Error(v)
	}
	if _, own := e.product.(ours); own {
		for _, m := range e.members {
			for _, end := range m.ended() {
				t.Errorf("%s\n%s", end, m.tail(10))
			}
		}
	}
	if *keep == "" {
		return
	}
	f, err := os.Create(filepath.Join(*keep, t.Name()+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := history.Write(f, ops); err != nil {
		t.Error(err)
	}
	for _, m := range e.members {
		b, _ := os.ReadFile(m.log)
		os.WriteFile(filepath.Join(*keep, t.Name()+"-"+filepath.Base(m.log)), b, 0o600)
	}
}

// count logs how many operations there were of each kind, with how many had no
// answer.
func count(t *testing.T, ops []history.Op) {
	kinds, lost := map[history.Kind]int{}, map[history.Kind]int{}
	for i := range ops {
		kinds[ops[i].Kind]++
		if !ops[i].Answered() {
			lost[ops[i].Kind]++
		}
	}
	t.Logf("of each kind %v, without answer %v", kinds, lost)
}
