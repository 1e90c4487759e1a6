package master

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// sim is a board with its surroundings: what was asked and not answered yet,
// what was sent and not carried out yet, what was listed and not told yet.
type sim struct {
	*simTree
	b         *board
	questions []question
	answers   []answered
	sent      []move
	outcomes  []outcome
	told      map[string]fact  // the newest reading of each list
	read      map[string]int64 // the zxid as of which each list was read last
	slots     int
	stopping  map[string]int // what each worker says
}

var simLimits = limits{retention: time.Hour, retain: 1000, maxLost: 3}

func newSim(t interface {
	Helper()
	Fatalf(string, ...any)
}) *sim {
	tr := newSimTree()
	tr.t = t
	return &sim{
		simTree: tr, b: newBoard(simLimits, tr.clock),
		told: make(map[string]fact), read: make(map[string]int64), slots: 2,
	}
}

// follow reads a list if it has changed since it was read last, as a follower
// does whose watch has fired.
func (s *sim) follow(which string) {
	if s.read[which] < s.changed[which] {
		s.read[which] = s.changed[which]
		s.told[which] = s.list(which)
	}
}

// tell tells what was read. Registrations are told with the list of workers.
func (s *sim) tell(which string) {
	if name, ok := strings.CutPrefix(which, "assign/"); ok && !s.b.worker(name).parent {
		return // the follower of /assign has not told of it yet
	}
	if is := s.told[which]; is != nil {
		is(s.b)
		delete(s.told, which)
	}
	if which == "workers" {
		for name := range s.b.workers {
			s.b.registered(name, fmt.Appendf(nil, `{"slots":%d,"marks":true,"stopping":%d}`, s.slots, s.stopping[name]))
		}
	}
}

// begin is a new term, after which no write of an earlier one is executed.
func (s *sim) begin() {
	s.term++
	s.sent, s.outcomes = nil, nil
	for _, which := range s.lists() {
		if which != "tasks" && which != "workers" {
			s.list(which)(s.b)
		}
	}
	s.list("workers")(s.b)
	s.b.begin(s.clock)
}

// play has the board make its moves and ask its questions.
func (s *sim) play() {
	s.t.Helper()
	s.b.tick(s.clock)
	moves := s.b.moves(batchCost)
	s.check(moves)
	s.sent = append(s.sent, moves...)
	s.sent = append(s.sent, s.b.forgets(batchCost)...)
	s.questions = append(s.questions, s.b.questions()...)
}

// check is what must hold of the moves of one call.
func (s *sim) check(moves []move) {
	s.t.Helper()
	var newest seq
	for _, m := range moves {
		if m.to != "" {
			w := s.b.workers[m.to]
			if w == nil || !w.alive || !w.parent || !w.known {
				s.t.Fatalf("%+v: the worker is not there", m)
			}
			most := w.reg.Slots + w.rate.ahead(s.b.now)
			load := len(s.assign[m.to])
			for _, o := range slices.Concat(s.sent, moves) {
				if o.to == m.to {
					load++
				}
			}
			if load > most {
				s.t.Fatalf("%+v: it has %d then, at most %d", m, load, most)
			}
		}
		if m.kind == assign && !s.b.tasks.get(m.task).suspect() {
			if m.task < newest {
				s.t.Fatalf("%+v: after the younger %d", m, newest)
			}
			newest = m.task
		}
	}
	for id, t := range s.b.tasks.all() {
		if t.state == waiting && id < newest && !t.suspect() {
			s.t.Fatalf("%d waits although the younger %d was assigned", id, newest)
		}
	}
	if s.b.asking > maxAsking {
		s.t.Fatalf("%d questions under way", s.b.asking)
	}
}

// step carries out everything that is under way, once.
func (s *sim) step() {
	s.play()
	for _, q := range s.questions {
		s.b.answered(q, s.look(q))
	}
	for _, a := range s.answers {
		s.b.answered(a.question, a.answer)
	}
	for _, m := range s.sent {
		s.b.settled(m, s.execute(m, s.term))
	}
	for _, o := range s.outcomes {
		s.b.settled(o.move, o.result)
	}
	s.questions, s.answers, s.sent, s.outcomes = nil, nil, nil, nil
	s.hear()
}

// hear tells all lists that have changed.
func (s *sim) hear() {
	for _, which := range s.lists() {
		s.follow(which)
		s.tell(which)
	}
}

// settle steps until the board has nothing to do.
func (s *sim) settle() {
	s.t.Helper()
	for range 200 {
		s.step()
		s.clock = s.clock.Add(time.Second) // pauses end
	}
}

// finishAll has the workers report everything they hold as done, and settles.
func (s *sim) finishAll() {
	s.t.Helper()
	for range 200 {
		s.step()
		for w, held := range s.assign {
			for _, id := range slices.Sorted(maps.Keys(held)) {
				if s.workers[w] {
					s.report(w, id, string(coordinator.OutcomeDone), "done")
				}
			}
		}
		s.clock = s.clock.Add(time.Second)
	}
	s.settle()
}

func (s *sim) wantStatus(t testing.TB, id seq, want string) {
	t.Helper()
	if got := s.tasks[id].status; got != want {
		t.Errorf("status of %d = %q, want %q (attempts %q)", id, got, want, s.tasks[id].attempts)
	}
}
