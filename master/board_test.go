package master

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever happens in whatever order, however late the board hears of it: no
// task is lost, assigned twice at a time, or assigned after its end. What must
// hold at every move is checked where the move is made (sim.check) and where it
// is carried out (simTree.execute).
func TestBoardAssignsEveryTaskAndNoneTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t)
		s.begin()
		workers := 0
		pickWorker := func(t *rapid.T) string {
			names := slices.Sorted(maps.Keys(s.workers))
			if len(names) == 0 {
				t.Skip("no worker")
			}
			return rapid.SampledFrom(names).Draw(t, "worker")
		}
		pickTask := func(t *rapid.T, w string) seq {
			held := slices.Sorted(maps.Keys(s.assign[w]))
			if len(held) == 0 {
				t.Skip("no task")
			}
			return rapid.SampledFrom(held).Draw(t, "task")
		}
		actions := map[string]func(*rapid.T){
			"submit": func(t *rapid.T) {
				for range rapid.IntRange(1, 4).Draw(t, "n") {
					s.submit(simTask{})
				}
			},
			"cancel": func(t *rapid.T) {
				s.submit(simTask{control: "cancel", target: seq(rapid.Uint32Range(0, uint32(s.next)).Draw(t, "target"))})
			},
			"join": func(t *rapid.T) {
				workers++
				s.register(fmt.Sprintf("w%d", workers))
			},
			"kill": func(t *rapid.T) { s.kill(pickWorker(t)) },
			"report": func(t *rapid.T) {
				w := pickWorker(t)
				s.report(w, pickTask(t, w), "done", "done")
			},
			"interrupt": func(t *rapid.T) {
				w := pickWorker(t)
				s.report(w, pickTask(t, w), "interrupted", "")
			},
			"lose": func(t *rapid.T) { // the worker lives, but says that the attempt is lost
				w := pickWorker(t)
				s.report(w, pickTask(t, w), "lost by "+w, "")
			},
			"hand back": func(t *rapid.T) {
				w := pickWorker(t)
				s.report(w, pickTask(t, w), "", "")
			},
			"read": func(t *rapid.T) {
				s.follow(rapid.SampledFrom(s.lists()).Draw(t, "list"))
			},
			"tell": func(t *rapid.T) {
				if len(s.told) == 0 {
					t.Skip("nothing read")
				}
				s.tell(rapid.SampledFrom(slices.Sorted(maps.Keys(s.told))).Draw(t, "list"))
			},
			"hear": func(t *rapid.T) { s.hear() },
			"play": func(t *rapid.T) { s.play() },
			"look": func(t *rapid.T) {
				if q, ok := takeAny(t, &s.questions); ok {
					s.answers = append(s.answers, answered{q, s.look(q)})
				}
			},
			"answer": func(t *rapid.T) {
				if a, ok := takeAny(t, &s.answers); ok {
					s.b.answered(a.question, a.answer)
				}
			},
			"execute": func(t *rapid.T) {
				if m, ok := takeAny(t, &s.sent); ok {
					s.outcomes = append(s.outcomes, outcome{m, s.execute(m, s.term)})
				}
			},
			"outcome": func(t *rapid.T) {
				if o, ok := takeAny(t, &s.outcomes); ok {
					s.b.settled(o.move, o.result)
				}
			},
			"time": func(t *rapid.T) {
				s.clock = s.clock.Add(time.Duration(rapid.Int64Range(1, 20_000).Draw(t, "ms")) * time.Millisecond)
			},
			"new term": func(t *rapid.T) { s.begin() },
			"stand by": func(t *rapid.T) {
				s.sent, s.outcomes = nil, nil
				s.b.rest()
				s.b.tick(s.clock)
				s.questions = append(s.questions, s.b.glances()...)
				s.begin()
			},
			"": func(t *rapid.T) { s.consistent() },
		}
		for _, often := range []string{"play", "look", "answer", "execute", "outcome", "read", "tell", "report"} {
			actions[often+" more"], actions[often+" most"] = actions[often], actions[often]
		}
		t.Repeat(actions)
		s.register("last")
		s.finishAll()
		for id, task := range s.tasks {
			if task.status == "" {
				t.Fatalf("%d was never finished: %q; board %+v, counts %v", id, task.attempts, s.b.tasks.get(id), s.b.count)
			}
		}
		for w := range s.assign {
			if !s.workers[w] {
				t.Fatalf("the list of dead worker %s stays: board %+v", w, s.b.workers[w])
			}
		}
		if moves := s.b.moves(batchCost); len(moves) > 0 {
			t.Fatalf("moves with nothing to do: %+v", moves)
		}
	})
}

// takeAny removes any one element, to have things happen out of order.
func takeAny[T any](t *rapid.T, list *[]T) (v T, ok bool) {
	if len(*list) == 0 {
		return v, false
	}
	i := rapid.IntRange(0, len(*list)-1).Draw(t, "which")
	v = (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return v, true
}

// consistent is what must hold of a board at any time.
func (s *sim) consistent() {
	s.t.Helper()
	var count [states]int
	unseen := 0
	holders := make(map[seq]int)
	for _, w := range s.b.workers {
		for id, h := range w.held {
			if h.stage != pending {
				holders[id]++
			}
		}
	}
	for id, t := range s.b.tasks.all() {
		count[t.state]++
		if t.seen == 0 && (t.state == waiting || t.state == left) {
			unseen++
		}
		if int(t.holders) != holders[id] {
			s.t.Fatalf("%d has %d holders, counted %d", id, holders[id], t.holders)
		}
		if t.state == waiting && t.holders > 0 {
			s.t.Fatalf("%d waits, but is held", id)
		}
	}
	if count != s.b.count || unseen != s.b.unseen {
		s.t.Fatalf("counts are %v and %d, kept %v and %d", count, unseen, s.b.count, s.b.unseen)
	}
	if asking := len(s.questions) + len(s.answers); asking != s.b.asking {
		s.t.Fatalf("%d questions under way, counted %d", asking, s.b.asking)
	}
}

func TestListingAgainMakesNoMoves(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	for range 5 {
		s.submit(simTask{})
	}
	s.settle()
	for range 3 {
		for _, which := range s.lists() {
			s.list(which)(s.b)
		}
		s.b.tick(s.clock)
		if moves := s.b.moves(batchCost); len(moves) > 0 {
			t.Errorf("moves after the same lists again = %+v", moves)
		}
	}
	if got := len(s.assign["w1"]); got != 2 {
		t.Errorf("w1 with 2 slots has %d tasks", got)
	}
}

func TestOlderListingThanTheLastIsNotNews(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	old := s.list("workers")
	s.kill("w1")
	s.list("workers")(s.b)
	old(s.b)
	if w := s.b.workers["w1"]; w != nil && w.alive {
		t.Error("w1 is alive again after an older listing")
	}
}

// assignment brings the board to where one assignment is sent.
func (s *sim) assignment(t *testing.T) (id seq, m move) {
	t.Helper()
	s.begin()
	s.register("w1")
	id = s.submit(simTask{})
	s.hear()
	s.playWithoutNews()
	if len(s.sent) != 1 || s.sent[0].kind != assign {
		t.Fatalf("sent %+v, want one assignment", s.sent)
	}
	m, s.sent = s.sent[0], nil
	return id, m
}

func TestTaskFinishedBeforeItsAssignmentIsConfirmed(t *testing.T) {
	s := newSim(t)
	id, m := s.assignment(t)
	r := s.execute(m, s.term)
	s.report("w1", id, "done", "done")
	s.hear() // the last change for ever
	s.b.settled(m, r)
	s.settle()
	if got := s.b.tasks.get(id).state; got != final {
		t.Errorf("state = %d, want final", got)
	}
}

func TestListingFromBeforeAnAssignmentDoesNotEndIt(t *testing.T) {
	s := newSim(t)
	id, m := s.assignment(t)
	before := s.list("assign/w1")
	s.follow("assign/w1")
	r := s.execute(m, s.term)
	before(s.b)
	if got := len(s.b.workers["w1"].held); got != 1 {
		t.Errorf("while the multi is under way, w1 has %d tasks, want 1", got)
	}
	s.b.settled(m, r)
	before(s.b)
	s.playWithoutNews()
	if got := len(s.b.workers["w1"].held); got != 1 {
		t.Errorf("after the older listing, w1 has %d tasks, want 1", got)
	}
	s.settle()
	if got := s.b.tasks.get(id).state; got != held {
		t.Errorf("state = %d, want held", got)
	}
	if got := s.tasks[id].ran; got != 1 {
		t.Errorf("assigned %d times", got)
	}
}

// playWithoutNews has every question answered, while no list is told.
func (s *sim) playWithoutNews() {
	for range 3 {
		s.play()
		for _, q := range s.questions {
			s.b.answered(q, s.look(q))
		}
		s.questions = nil
	}
}

// People may assign a task twice; each worker then owes it.
func TestTaskWithTwoWorkersIsNotRunAgainWhenOneDies(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.register("w2")
	id := s.submit(simTask{})
	s.hear()
	s.assign["w1"][id], s.assign["w2"][id] = 1, 1
	s.change("assign/w1", "assign/w2")
	s.hear()
	s.kill("w1")
	s.settle()
	if got := s.tasks[id]; got.ran != 0 || len(got.attempts) != 0 {
		t.Errorf("assigned %d times, attempts %q, want none", got.ran, got.attempts)
	}
	if len(s.assign["w1"]) != 0 {
		t.Error("the dead worker still owes it")
	}
	s.finishAll()
	s.wantStatus(t, id, "done")
}

func TestListingOfADeadWorkerFromBeforeItsTaskWasMoved(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.settle()
	s.kill("w1")
	s.register("w2")
	s.hear()
	s.playWithoutNews()
	before := s.list("assign/w1")
	for _, m := range s.sent {
		s.b.settled(m, s.execute(m, s.term))
	}
	s.sent = nil
	before(s.b) // read before, told after
	s.playWithoutNews()
	s.finishAll()
	s.wantStatus(t, id, "done")
	if got := s.tasks[id].ran; got != 2 {
		t.Errorf("assigned %d times, want 2", got)
	}
}

func TestWorkerThatDiedWhileItWasAssignedATask(t *testing.T) {
	s := newSim(t)
	id, m := s.assignment(t)
	r := s.execute(m, s.term)
	s.kill("w1")
	s.hear()
	s.b.settled(m, r)
	s.register("w2")
	s.settle()
	if got := s.holder(id); got != "w2" {
		t.Errorf("%q has it, want w2", got)
	}
}

func TestAnswerToAnEarlierQuestionDoesNotCount(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.hear()
	s.play()
	q := s.questions[0]
	old := s.look(q)
	s.questions = nil

	s.assign["w1"][id] = 1 // a person assigns it, and it is interrupted
	s.change("assign/w1")
	s.hear()
	s.report("w1", id, "interrupted", "")
	s.hear()
	s.b.answered(q, old)
	s.finishAll() // which fails on the number of the attempt otherwise
	s.wantStatus(t, id, "done")
}

// The ancestor read /status on the live path never, and ran such a task again.
func TestTaskReportedBeforeItsWorkerDiedIsNotRunAgain(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.settle()
	s.report("w1", id, "done", "done")
	s.kill("w1")
	s.list("workers")(s.b) // heard before the list of its assignments
	s.register("w2")
	s.finishAll()
	if got := s.tasks[id].ran; got != 1 {
		t.Errorf("ran %d times, want once", got)
	}
}

func TestTaskWhoseWorkersDieBecomesDead(t *testing.T) {
	s := newSim(t)
	s.begin()
	id := s.submit(simTask{})
	for n := range simLimits.maxLost {
		w := fmt.Sprintf("w%d", n)
		s.register(w)
		s.settle()
		if got := s.holder(id); got != w {
			t.Fatalf("after %d deaths %q has it, want %s", n, got, w)
		}
		s.kill(w)
		s.settle()
	}
	s.wantStatus(t, id, "dead")
	if got := len(s.tasks[id].attempts); got != simLimits.maxLost {
		t.Errorf("attempts = %d, want %d", got, simLimits.maxLost)
	}
	s.register("w9")
	s.finishAll()
	if got := s.tasks[id].ran; got != simLimits.maxLost {
		t.Errorf("ran %d times, want %d", got, simLimits.maxLost)
	}
}

// A worker whose guard was killed reports so itself.
func TestTaskThatWorkersReportAsLostBecomesDead(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	for range simLimits.maxLost {
		s.settle()
		s.report("w1", id, "lost by w1", "")
	}
	s.settle()
	s.wantStatus(t, id, "dead")
}

func TestInterruptedAttemptsAreNotCharged(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	for range 3 * simLimits.maxLost {
		s.settle()
		s.report("w1", id, "interrupted", "")
	}
	s.finishAll()
	s.wantStatus(t, id, "done")
}

func TestTaskIsKeptAwayFromTheMachineItDiedOn(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("a-00000001")
	id := s.submit(simTask{})
	s.settle()
	s.kill("a-00000001")
	s.register("a-00000002")
	s.register("b-00000001")
	s.settle()
	if got := s.holder(id); got != "b-00000001" {
		t.Errorf("after a's death %q has it, want b", got)
	}
}

func TestTaskOfDeadWorkerIsQueuedAgainWhenNobodyHasRoom(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	s.settle()
	s.kill("w1")
	s.settle()
	if got := s.tasks[id].attempts; !slices.Equal(got, []string{"lost by w1"}) {
		t.Errorf("attempts = %q, want one lost", got)
	}
	if len(s.assign) != 0 {
		t.Errorf("/assign = %v, want empty", s.assign)
	}
	s.register("w2")
	s.finishAll()
	s.wantStatus(t, id, "done")
}

func TestCancelOfWaitingHeldFinalAndUnknownTask(t *testing.T) {
	s := newSim(t)
	s.slots = 1
	s.begin()
	s.register("w1")
	heldTask := s.submit(simTask{})
	waitingTask := s.submit(simTask{})
	s.settle()
	c1 := s.submit(simTask{control: "cancel", target: waitingTask})
	c2 := s.submit(simTask{control: "cancel", target: heldTask})
	s.settle()
	c3 := s.submit(simTask{control: "cancel", target: heldTask})
	c4 := s.submit(simTask{control: "cancel", target: 4711})
	c5 := s.submit(simTask{control: "dance", target: heldTask})
	c6 := s.submit(simTask{control: "cancel", target: c1})
	s.settle()
	for id, want := range map[seq]string{
		heldTask: "cancelled", waitingTask: "cancelled",
		c1: "done", c2: "done", c3: "failed", c4: "failed", c5: "failed", c6: "failed",
	} {
		s.wantStatus(t, id, want)
	}
	if got := s.tasks[heldTask].attempts; !slices.Equal(got, []string{"cancelled"}) {
		t.Errorf("attempts of the cancelled running task = %q", got)
	}
	if got := s.tasks[waitingTask].ran; got != 0 {
		t.Errorf("the cancelled waiting task ran %d times", got)
	}
}

// A directive is found behind any number of waiting tasks.
func TestCancelDoesNotWaitForTheQueue(t *testing.T) {
	s := newSim(t)
	s.begin()
	for range 3000 {
		s.submit(simTask{})
	}
	s.settle()
	target := s.submit(simTask{})
	c := s.submit(simTask{control: "cancel", target: target})
	s.settle()
	s.wantStatus(t, c, "done")
	s.wantStatus(t, target, "cancelled")
}

func TestRetentionByCountAndByAge(t *testing.T) {
	s := newSim(t)
	s.b.limits.retain, s.b.limits.retention = 10, time.Hour
	s.begin()
	s.register("w1")
	s.slots = 1
	for range 40 {
		s.submit(simTask{})
	}
	s.finishAll()
	if got := len(s.tasks); got != 10 {
		t.Errorf("%d tasks stay, want 10", got)
	}
	for id := range s.tasks {
		if id <= 30 {
			t.Errorf("the old task %d stays", id)
		}
	}
	s.clock = s.clock.Add(time.Hour)
	s.settle()
	if got := len(s.tasks); got != 0 {
		t.Errorf("%d tasks stay after an hour", got)
	}
	if got := s.b.tasks.n; got != 0 {
		t.Errorf("the board remembers %d tasks, want none", got)
	}
}

// What is below a final task that this board never examined is not known; nor
// what people put there.
func TestForgettingTaskWithUnexpectedChildren(t *testing.T) {
	s := newSim(t)
	s.submit(simTask{status: "done", since: s.clock, attempts: []string{"lost by w1", "lost by w2", "done"}})
	s.submit(simTask{status: "done", since: s.clock})
	s.begin()
	s.settle()
	s.clock = s.clock.Add(2 * time.Hour)
	s.settle()
	if len(s.tasks) != 0 {
		t.Errorf("%d tasks stay", len(s.tasks))
	}
}

func TestHandedBackTaskDoesNotPingPong(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	id := s.submit(simTask{})
	for range 3 {
		s.step()
	}
	for range 1000 { // 10 s of a worker that takes nothing
		s.report("w1", id, "", "")
		s.step()
		s.clock = s.clock.Add(10 * time.Millisecond)
	}
	if got := s.tasks[id].ran; got > 8 {
		t.Errorf("assigned %d times within 10 s to a worker that hands it back", got)
	}
}

// A list under /assign may be there before its worker is registered.
func TestListOfUnknownWorkerIsNotRemovedAtOnce(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	delete(s.workers, "w1")
	for range 10 {
		s.step()
	}
	if s.assign["w1"] == nil {
		t.Error("removed at once")
	}
	s.settle() // 200 s
	if s.assign["w1"] != nil {
		t.Error("stays for ever")
	}
}

func TestStandbyLearnsWhatIsFinal(t *testing.T) {
	s := newSim(t)
	for range 500 {
		s.submit(simTask{status: "done", since: s.clock, attempts: []string{"done"}})
	}
	for range 1000 {
		s.submit(simTask{})
	}
	s.b.rest()
	glances := 0
	for range 500 {
		s.b.tick(s.clock)
		s.hear()
		for _, q := range s.b.glances() {
			glances++
			s.b.answered(q, s.look(q))
		}
		s.clock = s.clock.Add(20 * time.Millisecond)
	}
	if got := s.b.count[final]; got != 500 {
		t.Errorf("the standby knows %d final tasks, want 500", got)
	}
	if most := 500 + 20*(maxMisses+maxGlances); glances > most {
		t.Errorf("%d glances, want at most %d", glances, most)
	}
	s.begin()
	s.register("w1")
	s.told["workers"], s.told["assign"] = s.list("workers"), s.list("assign")
	s.tell("workers")
	s.tell("assign")
	for range 3 {
		s.step()
	}
	if got := len(s.assign["w1"]); got == 0 {
		t.Error("nothing assigned three rounds after the takeover")
	}
}

func TestManualWorkerWhoWritesOnlyTheStatus(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	s.list("workers")(s.b)
	s.list("assign")(s.b)
	s.b.registered("w1", []byte("w1:2224"))
	s.list("tasks")(s.b)
	first, second := s.submit(simTask{}), s.submit(simTask{})
	manual := func() {
		for range 10 {
			s.step()
			s.b.registered("w1", []byte("w1:2224"))
		}
	}
	s.slots = 1
	manual()
	if got := s.holder(first); got != "w1" {
		t.Fatalf("the first task is with %q", got)
	}
	if got := slices.Collect(s.b.byHand()); !slices.Equal(got, []seq{first}) {
		t.Fatalf("followed by hand = %v, want %d", got, first)
	}
	s.tasks[first].status, s.tasks[first].since = "done", s.clock
	s.b.statusSeen(first)
	manual()
	if _, still := s.assign["w1"][first]; still {
		t.Error("the finished task is still assigned")
	}
	if got := s.holder(second); got != "w1" {
		t.Errorf("the second task is with %q, want w1", got)
	}
}
