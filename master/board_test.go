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
	skipIfShort(t)
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
			"start": func(t *rapid.T) {
				w := pickWorker(t)
				s.start(w, pickTask(t, w))
			},
			"refuse": func(t *rapid.T) {
				w := pickWorker(t)
				s.unfit[w] = !s.unfit[w]
			},
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
			"come": func(t *rapid.T) { // some of what is new is told without a listing
				if s.told["tasks"] != nil || s.b.listing == 0 {
					t.Skip("a listing is under way")
				}
				var names []string
				for _, id := range slices.Sorted(maps.Keys(s.tasks)) {
					if s.b.tasks.get(id) == nil && rapid.Bool().Draw(t, "told") {
						names = append(names, string(id.TaskID()))
					}
				}
				s.b.tasksCame(names)
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
	if count != s.b.count || unseen != s.b.unexamined {
		s.t.Fatalf("counts are %v and %d, kept %v and %d", count, unseen, s.b.count, s.b.unexamined)
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

// Something is refused again and again, about more tasks than a log should list.
func TestParkedTasksAreToldOnceAndNotAll(t *testing.T) {
	s := newSim(t)
	s.begin()
	s.register("w1")
	ids := make([]seq, 2*shelvedMax)
	for n := range ids {
		ids[n] = s.submit(simTask{})
	}
	s.hear()
	told := make(map[seq]int)
	for range 3 {
		for _, id := range ids {
			s.b.park(id, s.b.tasks.get(id), "because")
		}
		for _, n := range s.b.takeNews() {
			if n.what == shelved {
				told[n.task]++
			}
		}
	}
	if len(told) != shelvedMax {
		t.Errorf("%d tasks are told, want %d", len(told), shelvedMax)
	}
	for id, times := range told {
		if times != 1 {
			t.Errorf("%d is told %d times", id, times)
		}
	}
}

// skipIfShort leaves a long test of one goroutine to the runs without the race
// detector, which has nothing to see there.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a model on one goroutine, tested without -short")
	}
}
