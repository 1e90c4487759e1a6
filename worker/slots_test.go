package worker

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// slotsScript drives slots by words and says what they asked for:
//
//	list a b   arrive@ms a   absent a   start   end a   settled a   overdue@ms   drain
//
// Assignments are made in the order of their letters. Capitals are suspects.
type slotsScript struct {
	s    *slots
	owed map[string]*owed
}

func (x *slotsScript) do(step string) string {
	verb, args, _ := strings.Cut(step, " ")
	verb, when, _ := strings.Cut(verb, "@")
	var ms int
	_, _ = fmt.Sscan(when, &ms)
	switch verb {
	case "list":
		var ids []coordinator.TaskID
		for _, id := range strings.Fields(args) {
			ids = append(ids, coordinator.TaskID(id))
		}
		m := x.s.list(ids, math.MaxInt64)
		return x.say("read", m.read) + x.say("stop", m.stop)
	case "arrive":
		x.s.arrived(x.owed[args], attemptOf(coordinator.TaskID(args)), at(ms))
	case "absent":
		return x.again(x.s.absent(x.owed[args]))
	case "start":
		return x.say("start", x.s.start())
	case "end":
		report, again := x.s.ended(x.owed[args])
		if report {
			return "report "
		}
		return "drop " + x.again(again)
	case "settled":
		return x.again(x.s.settled(x.owed[args]))
	case "overdue":
		return x.say("back", x.s.overdue(at(ms)))
	case "drain":
		back := x.s.drain()
		slices.SortFunc(back, func(a, b *owed) int { return strings.Compare(string(a.task), string(b.task)) })
		return x.say("back", back)
	}
	return ""
}

// attemptOf makes an attempt of a task with a letter for its name.
func attemptOf(id coordinator.TaskID) *attempt {
	a := &attempt{task: id, fence: int64(strings.ToLower(string(id))[0])}
	if isSuspect(id) {
		a.assigned.Lost = coordinator.SuspectLost
	}
	return a
}

func isSuspect(id coordinator.TaskID) bool { return id < "a" }

func (x *slotsScript) say(what string, list []*owed) string {
	if len(list) == 0 {
		return ""
	}
	for _, o := range list {
		x.owed[string(o.task)] = o
		what += " " + string(o.task)
	}
	return what + " "
}

func (x *slotsScript) again(o *owed) string {
	if o == nil {
		return ""
	}
	return x.say("read", []*owed{o})
}

func TestSlots(t *testing.T) {
	tests := []struct {
		name  string
		steps []string // "step => what it asks for"
	}{
		{"one task", []string{
			"list a => read a", "start", "arrive a", "start => start a", "end a => report", "list", "settled a",
		}},
		{"in the order of assignment, as slots get free", []string{
			"list a b c => read a b c", "arrive c", "arrive b", "arrive a", "start => start a b", "start",
			"end a => report", "start => start c",
		}},
		{"a list that is too old does not start a task again", []string{
			"list a => read a", "arrive a", "start => start a", "list a", "end a => report", "list a", "settled a => read a", "absent a", "list",
		}},
		{"assigned anew while its report was under way", []string{
			"list a => read a", "arrive a", "start => start a", "end a => report", "list", "list a", "settled a => read a",
			"arrive a", "start => start a",
		}},
		{"assigned anew after it was read, and listed before that is known", []string{
			"list a => read a", "list a", "absent a => read a", "arrive a", "start => start a",
		}},
		{"taken away while running", []string{
			"list a => read a", "arrive a", "start => start a", "list => stop a", "list", "end a => drop",
		}},
		{"taken away and given back while stopping", []string{
			"list a => read a", "arrive a", "start => start a", "list => stop a", "list a", "end a => drop read a",
		}},
		{"taken away while waiting", []string{
			"list a => read a", "arrive a", "list", "start",
		}},
		{"taken away while being read", []string{
			"list a => read a", "list", "arrive a", "start",
		}},
		{"handed back after 250 ms", []string{
			"list a b c d => read a b c d", "arrive@0 a", "arrive@0 b", "arrive@0 c", "arrive@100 d", "start => start a b",
			"overdue@249", "overdue@250 => back c", "overdue@350 => back d", "settled c => read c",
		}},
		{"drain hands back what has not started, and what comes later when it has waited", []string{
			"list a b c d => read a b c d", "arrive a", "arrive b", "arrive c", "start => start a b", "drain => back c d", "arrive d", "start",
			"list a b c d e => read e", "arrive@0 e", "end a => report", "start", "overdue@100", "overdue@250 => back e",
		}},
		{"a suspect runs alone, and the others wait for it", []string{
			"list a B c => read B a c", "arrive@0 a", "arrive@0 B", "arrive@100 c", "start => start a", "start", "end a => report",
			"start => start B", "start", "overdue@249", "end B => report", "start => start c",
		}},
		{"a suspect that waits too long is handed back", []string{
			"list a B c => read B a c", "arrive@0 a", "start => start a", "arrive@0 B", "arrive@100 c", "start",
			"overdue@250 => back B", "start => start c",
		}},
		{"a suspect that was taken away runs until it is stopped", []string{
			"list A b => read A b", "arrive A", "arrive b", "start => start A", "list b => stop A", "start", "end A => drop", "start => start b",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := slotsScript{newSlots(2, 0), make(map[string]*owed)}
			for i, line := range tt.steps {
				step, want, _ := strings.Cut(line, " => ")
				if got := strings.TrimSpace(x.do(step)); got != want {
					t.Fatalf("step %d, %s: asks for %q, want %q", i+1, step, got, want)
				}
			}
		})
	}
}

func TestSlotsCountWhatFormerInstancesHold(t *testing.T) {
	x := slotsScript{newSlots(2, 1), make(map[string]*owed)}
	x.do("list a b")
	x.do("arrive a")
	x.do("arrive b")
	if got := x.do("start"); got != "start a " {
		t.Errorf("with one slot taken: %q", got)
	}
	x.s.release()
	if got := x.do("start"); got != "start b " {
		t.Errorf("with no slot taken: %q", got)
	}
}

// world is a model of the tree for TestSlotsKeepTheirPromises: which
// assignments there are, and which incarnation of each.
type world struct {
	*rapid.T
	s       *slots
	there   map[coordinator.TaskID]int // incarnation of the assignment, 0: none
	zxid    int                        // of the last change
	changed bool                       // since the last look at the list; nobody looks otherwise

	looked                    []listing // the newest list, on its way
	answers                   []answer  // of readings, on their way
	reading, running, leaving []*owed
	begun                     map[string]int // how often an incarnation was started
	got                       map[*owed]int  // incarnation that was read
	now                       time.Time
}

// listing is a list as it was after a change.
type listing struct {
	ids   []coordinator.TaskID
	pzxid int
}

// answer is what a reading found: an incarnation, or 0.
type answer struct {
	owed *owed
	n    int
}

func (w *world) assign(id coordinator.TaskID) {
	w.zxid++
	w.there[id], w.changed = w.zxid, true
}

func (w *world) takeAway(id coordinator.TaskID) {
	w.zxid++
	w.there[id], w.changed = 0, true
}

func (w *world) names() []coordinator.TaskID {
	var ids []coordinator.TaskID
	for id, n := range w.there {
		if n > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *world) take(list *[]*owed) *owed { return takeOne(w.T, list) }

func takeOne[T any](rt *rapid.T, list *[]T) T {
	if len(*list) == 0 {
		rt.Skip("none")
	}
	i := rapid.IntRange(0, len(*list)-1).Draw(rt, "which")
	one := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return one
}

func (w *world) again(o *owed) {
	if o != nil {
		w.reading = append(w.reading, o)
	}
}

// Whatever the order of events: no assignment is started twice, no more run
// than there are slots, and when all is quiet nothing is forgotten.
func TestSlotsKeepTheirPromises(t *testing.T) {
	if testing.Short() {
		t.Skip("a model on one goroutine, where the race detector has nothing to see: tested without -short")
	}
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 3).Draw(rt, "slots")
		w := &world{
			T: rt, s: newSlots(size, 0), there: make(map[coordinator.TaskID]int),
			begun: make(map[string]int), got: make(map[*owed]int), now: epoch,
		}
		task := rapid.SampledFrom([]coordinator.TaskID{"a", "b", "c", "D", "E"})
		rt.Repeat(map[string]func(*rapid.T){
			"assign": func(rt *rapid.T) {
				if id := task.Draw(rt, "task"); w.there[id] == 0 {
					w.assign(id)
				}
			},
			"take away": func(rt *rapid.T) {
				if id := task.Draw(rt, "task"); w.there[id] > 0 {
					w.takeAway(id)
				}
			},
			"look":   func(*rapid.T) { w.look() },
			"list":   func(*rapid.T) { w.list() },
			"read":   func(*rapid.T) { w.read() },
			"answer": func(*rapid.T) { w.answer() },
			"start":  func(*rapid.T) { w.start() },
			"end":    func(*rapid.T) { w.end() },
			"settle": func(*rapid.T) { w.settle() },
			"wait": func(rt *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "ms")) * time.Millisecond)
				w.leaving = append(w.leaving, w.s.overdue(w.now)...)
			},
			"": func(rt *rapid.T) {
				if w.s.busy != len(w.running) || w.s.busy > size {
					rt.Fatalf("%d slots of %d taken, %d run", w.s.busy, size, len(w.running))
				}
			},
		})
		w.quiet()
	})
}

func (w *world) look() {
	if w.changed {
		w.looked, w.changed = []listing{{w.names(), w.zxid}}, false
	}
}

func (w *world) list() {
	l := takeOne(w.T, &w.looked)
	m := w.s.list(l.ids, int64(l.pzxid))
	w.reading = append(w.reading, m.read...)
}

func (w *world) read() {
	o := w.take(&w.reading)
	w.answers = append(w.answers, answer{o, w.there[o.task]})
}

func (w *world) answer() {
	a := takeOne(w.T, &w.answers)
	if a.n == 0 {
		w.again(w.s.absent(a.owed))
		return
	}
	w.got[a.owed] = a.n
	read := attemptOf(a.owed.task)
	read.fence = int64(a.n)
	w.s.arrived(a.owed, read, w.now)
}

func (w *world) start() {
	for _, o := range w.s.start() {
		key := fmt.Sprint(o.task, w.got[o])
		if w.begun[key]++; w.begun[key] > 1 {
			w.Fatalf("assignment %s was started twice", key)
		}
		w.running = append(w.running, o)
	}
	if slices.ContainsFunc(w.running, func(o *owed) bool { return isSuspect(o.task) }) && len(w.running) > 1 {
		w.Fatalf("a suspect runs with %d others", len(w.running)-1)
	}
}

func (w *world) end() {
	o := w.take(&w.running)
	report, again := w.s.ended(o)
	if report {
		w.leaving = append(w.leaving, o)
	}
	w.again(again)
}

// settle writes a report: it deletes the assignment if it is still that one.
// An assignment that was read is known by its zxid; reports are refused for
// another one by the attempt that the master wrote when it moved the task.
func (w *world) settle() {
	o := w.take(&w.leaving)
	if w.there[o.task] == w.got[o] {
		w.takeAway(o.task)
	}
	w.again(w.s.settled(o))
}

// quiet lets everything come to its end. No list is made of what did not change.
func (w *world) quiet() {
	for range 1000 {
		w.look()
		if len(w.looked) > 0 {
			w.list()
		}
		for len(w.reading) > 0 || len(w.answers) > 0 {
			if len(w.answers) > 0 {
				w.answer()
			} else {
				w.read()
			}
		}
		w.start()
		for len(w.running) > 0 {
			w.end()
		}
		for len(w.leaving) > 0 {
			w.settle()
		}
		if len(w.names()) == 0 && len(w.s.owed) == 0 {
			return
		}
	}
	w.Fatalf("assignments %v are not done, owed %v", w.names(), w.s.owed)
}
