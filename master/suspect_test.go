package master

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"pgregory.net/rapid"
)

// lostBy makes a task that was lost so often.
func lostBy(workers ...string) simTask {
	var task simTask
	for _, w := range workers {
		task.attempts = append(task.attempts, "lost by "+w)
	}
	return task
}

func TestFirstLossIsChargedAndLaterOnesWhenStarted(t *testing.T) {
	s := newSim(t)
	s.begin()
	id := s.submit(simTask{})
	for n, started := range []bool{false, false, false, true, false, false} {
		w := fmt.Sprintf("w%d", n)
		s.register(w)
		s.settle()
		if got := s.holder(id); got != w {
			t.Fatalf("after %d deaths %q has it, want %s", n, got, w)
		}
		if started {
			s.start(w, id)
		}
		s.kill(w)
		s.settle()
	}
	s.register("last")
	s.finishAll()
	s.wantStatus(t, id, "done")
	if got := s.tasks[id].attempts; !slices.Equal(got, []string{"lost by w0", "lost by w3", "done"}) {
		t.Errorf("attempts = %q, want the first and the started one lost, then done", got)
	}
}

// A person may put something beside a suspect.
func TestSuspectThatWasNotAloneIsNotCharged(t *testing.T) {
	s := newSim(t)
	s.byHand = true
	s.begin()
	id := s.submit(lostBy("w1", "w2"))
	s.register("w3")
	s.settle()
	s.assign["w3"][id] = coordinator.Assignment{Attempt: 3, Lost: 2, Started: 1}
	s.kill("w3")
	s.settle()
	if got := s.tasks[id].attempts; len(got) != 3 || got[2] != "interrupted by w3" {
		t.Errorf("attempts = %q, want the last interrupted", got)
	}
}

func TestSuspectsRunAloneAndNobodyWaitsForEver(t *testing.T) {
	skipIfShort(t)
	for _, workers := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) { testSuspectsAmongOthers(t, workers) })
	}
}

// There is always more to do of both kinds than can be done.
func testSuspectsAmongOthers(t *testing.T, workers int) {
	s := newSim(t)
	s.begin()
	for n := range workers {
		s.register(fmt.Sprintf("w%d", n))
	}
	for range 200 * workers { // older than all the others
		s.submit(lostBy("a", "b"))
	}
	const rounds = 3000
	var ended [2]int // healthy ones, suspects
	left := make(map[seq]time.Time)
	for range rounds {
		s.backlog(5)
		s.step()
		hosts := 0
		for w, held := range s.assign {
			over := false
			for _, id := range slices.Sorted(maps.Keys(held)) {
				due, running := left[id]
				kind := 0
				if s.tasks[id].lost() > 0 {
					kind = 1
					hosts++
				}
				switch {
				case !running:
					left[id] = s.clock.Add(time.Duration(1+id%7) * time.Second)
				case s.clock.After(due) && !over: // one at a time, so that no worker is without load by chance
					s.report(w, id, "done", "done")
					ended[kind]++
					over = true
				}
			}
		}
		if most := max(1, workers/2); hosts > most {
			t.Fatalf("%d of %d workers have suspects", hosts, workers)
		}
		s.clock = s.clock.Add(250 * time.Millisecond)
	}
	seconds := rounds / 4 // a task takes four on average
	if least := seconds * workers / 4 / 3; ended[0] < least {
		t.Errorf("%d others ended in %d s, want %d", ended[0], seconds, least)
	}
	if least := seconds * max(1, workers/2) / 4 / 5; ended[1] < least {
		t.Errorf("%d suspects ended in %d s, want %d", ended[1], seconds, least)
	}
}

// backlog submits tasks until so many of either kind wait, suspects and others.
func (s *sim) backlog(n int) {
	var waits [2]int
	for id, task := range s.tasks {
		if task.status == "" && s.holder(id) == "" {
			waits[min(task.lost(), 1)]++
		}
	}
	for ; waits[0] < n; waits[0]++ {
		s.submit(simTask{})
	}
	for ; waits[1] < n; waits[1]++ {
		s.submit(lostBy("a", "b"))
	}
}

// The slots of the only worker end their long tasks at different times.
func TestSuspectBesideLongTasksGetsItsTurn(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.submit(simTask{})
	s.submit(simTask{})
	s.settle()
	suspect := s.submit(lostBy("a", "b"))
	since := make(map[seq]time.Time)
	for range 600 {
		for s.b.count[waiting] < 3 {
			s.submit(simTask{})
			s.step()
		}
		s.step()
		for id := range s.assign["w1"] {
			if since[id].IsZero() {
				since[id] = s.clock
			}
			if id == suspect {
				return
			}
			length := 120 * time.Second
			if id == 1 {
				length /= 2
			}
			if s.clock.Sub(since[id]) > length {
				s.report("w1", id, "done", "done")
			}
		}
		s.clock = s.clock.Add(time.Second)
	}
	t.Error("not assigned in 600 s")
}

// A new master finds a suspect with a worker that has room for more.
func TestSuspectStaysAloneAcrossTerms(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.submit(lostBy("a", "b"))
	s.settle()
	s.submit(simTask{})
	s.b = newBoard(simLimits, s.clock)
	s.begin()
	for _, which := range s.lists() {
		s.told[which] = s.list(which)
		s.tell(which)
	}
	s.settle() // simTree.give sees to it
	if got := len(s.assign["w1"]); got != 1 {
		t.Errorf("w1 has %d tasks, want the suspect alone", got)
	}
	s.finishAll()
	if got := s.b.count[final]; got != 2 {
		t.Errorf("%d tasks are final, want 2", got)
	}
}

// Some commands kill their worker as soon as they are started. Whatever the
// order of things, they end as dead, and what ran beside them does not.
func TestPoisonEndsDeadAndNoInnocentDoes(t *testing.T) {
	skipIfShort(t)
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t)
		s.b.limits.maxLost = 5
		s.begin()
		s.slots = rapid.IntRange(1, 4).Draw(t, "slots")
		poison := make(map[seq]bool)
		for range rapid.IntRange(1, 30).Draw(t, "tasks") {
			id := s.submit(simTask{})
			poison[id] = rapid.IntRange(0, 9).Draw(t, "kind") == 0
		}
		born := 0
		spawn := func(n int) {
			for len(s.workers) < n {
				born++
				s.register(fmt.Sprintf("w%d", born))
			}
		}
		workers := rapid.IntRange(1, 4).Draw(t, "workers")
		for round := 0; s.open() > 0; round++ {
			if round > 5000 {
				t.Fatalf("%d tasks are open: %v", s.open(), s.b.count)
			}
			spawn(workers)
			if rapid.IntRange(0, 3).Draw(t, "heard") > 0 {
				s.step()
			}
			if rapid.IntRange(0, 40).Draw(t, "term") == 0 {
				s.begin()
			}
			w := rapid.SampledFrom(slices.Sorted(maps.Keys(s.workers))).Draw(t, "worker")
			s.workSome(t, w, poison)
			s.clock = s.clock.Add(time.Duration(rapid.IntRange(1, 4000).Draw(t, "ms")) * time.Millisecond)
		}
		for id, task := range s.tasks {
			want := "done"
			if poison[id] {
				want = "dead"
			}
			if task.status != want || task.lost() > s.b.limits.maxLost {
				t.Fatalf("%d ended %q, want %q, after %q", id, task.status, want, task.attempts)
			}
		}
	})
}

// open counts the tasks that are not final.
func (s *sim) open() (n int) {
	for _, task := range s.tasks {
		if task.status == "" {
			n++
		}
	}
	return n
}

// workSome has a worker start what it has slots for, or end what it has
// started.
func (s *sim) workSome(t *rapid.T, w string, poison map[seq]bool) {
	ids := slices.Sorted(maps.Keys(s.assign[w]))
	for _, id := range ids {
		if s.running[id] == w && rapid.Bool().Draw(t, "ends") {
			s.report(w, id, "done", "done")
		}
	}
	busy := 0
	for _, id := range ids {
		if _, ok := s.assign[w][id]; ok && s.running[id] == w {
			busy++
		}
	}
	for _, id := range ids {
		if _, ok := s.assign[w][id]; !ok || s.running[id] == w || busy >= s.slots {
			continue
		}
		s.start(w, id)
		busy++
		if poison[id] {
			s.kill(w)
			return
		}
	}
}

// A new term knows nothing of the task that each of many workers has, and can
// ask about some of them at a time only.
func TestTakeoverAsksOnceAboutTheOnlyTaskOfAWorker(t *testing.T) {
	s := newSim(t)
	const workers = 1000
	for n := range workers {
		w := fmt.Sprintf("w%d", n)
		s.register(w)
		s.assign[w][s.submit(simTask{})] = coordinator.Assignment{Attempt: 1}
	}
	s.begin()
	s.hear()
	asked := 0
	for range 100 {
		s.play()
		asked += len(s.questions)
		s.step()
	}
	if asked != workers {
		t.Errorf("%d questions about the tasks of %d workers, want one each", asked, workers)
	}
}

// The worker that is drained dies. Its tasks are still being examined.
func TestAnotherWorkerIsDrainedWhenTheOneThatIsDies(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.register("w2")
	for range 2 * s.slots {
		s.submit(simTask{})
	}
	s.settle()
	s.submit(lostBy("a", "b"))
	for range 3 {
		s.step()
	}
	first := s.b.suspects.draining
	if first == "" {
		t.Fatal("no worker is drained")
	}
	w := s.b.workers[first]
	s.kill(first)
	s.list("workers")(s.b)
	s.b.moves(batchCost)
	if now := s.b.suspects.draining; now == first || now == "" {
		t.Errorf("%q is drained, want the other than %q, which is dead", now, first)
	}
	if s.b.suspects.patience != 0 || !w.rest.IsZero() {
		t.Errorf("patience is %v and the dead one rests until %v, want neither", s.b.suspects.patience, w.rest)
	}
}
