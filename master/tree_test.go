package master

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// simTree is the tree, and whoever writes to it, as far as a board can tell.
// Reads and writes take effect when the test says so, and are told to the
// board when it says so, later.
type simTree struct {
	t interface {
		Helper()
		Fatalf(string, ...any)
	}
	zxid    int64
	term    int
	tasks   map[seq]*simTask
	workers map[string]bool // registered
	assign  map[string]map[seq]coordinator.Assignment
	changed map[string]int64 // the zxid of the last change of a list
	clock   time.Time
	next    seq
	byHand  bool            // statuses may come out of the blue
	running map[seq]string  // by which worker, as far as the tests say
	kept    map[seq]bool    // final tasks that cannot be deleted
	blind   map[seq]bool    // tasks whose children cannot be read
	unfit   map[string]bool // workers to which nothing can be assigned
}

type simTask struct {
	control  string
	target   seq
	attempts []string // what became of each: "lost by w1"
	status   string
	since    time.Time
	ran      int // how often it was assigned
}

// lost counts the attempts the task is charged with.
func (task *simTask) lost() (n int) {
	for _, outcome := range task.attempts {
		if strings.HasPrefix(outcome, "lost by ") {
			n++
		}
	}
	return n
}

func newSimTree() *simTree {
	return &simTree{
		tasks: make(map[seq]*simTask), workers: make(map[string]bool),
		assign: make(map[string]map[seq]coordinator.Assignment), changed: make(map[string]int64),
		unfit: make(map[string]bool), running: make(map[seq]string),
		kept: make(map[seq]bool), blind: make(map[seq]bool),
		clock: time.Unix(1_800_000_000, 0),
	}
}

func (tr *simTree) change(lists ...string) {
	tr.zxid++
	for _, l := range lists {
		tr.changed[l] = tr.zxid
	}
}

func (tr *simTree) submit(task simTask) seq {
	tr.next++
	tr.tasks[tr.next] = &task
	tr.change("tasks")
	return tr.next
}

func (tr *simTree) register(w string) {
	tr.assign[w] = make(map[seq]coordinator.Assignment)
	tr.workers[w] = true
	tr.change("workers", "assign", "assign/"+w)
}

func (tr *simTree) kill(w string) {
	delete(tr.workers, w)
	tr.change("workers")
}

// report is the worker's one multi. An empty status hands the task back, with
// an attempt if there is an outcome.
func (tr *simTree) report(w string, s seq, outcome, status string) {
	a, ok := tr.assign[w][s]
	if !ok {
		return
	}
	n := a.Attempt
	task := tr.tasks[s]
	if outcome != "" {
		if n != len(task.attempts)+1 {
			tr.t.Fatalf("task %d: attempt %d reported after %d", s, n, len(task.attempts))
		}
		task.attempts = append(task.attempts, outcome)
	}
	if status != "" {
		task.status, task.since = status, tr.clock
	}
	delete(tr.assign[w], s)
	delete(tr.running, s)
	tr.change("assign/" + w)
}

// start has the worker start a task: it says so if the assignment tells it to.
func (tr *simTree) start(w string, s seq) {
	a, ok := tr.assign[w][s]
	if !ok || !tr.workers[w] || a.Started != 0 {
		return
	}
	tr.running[s] = w
	if a.Lost == 0 {
		return
	}
	a.Started, a.Alone = 1, true
	for other := range tr.assign[w] {
		if other != s && tr.running[other] == w {
			a.Alone = false
		}
	}
	tr.assign[w][s] = a
}

func (tr *simTree) holder(s seq) string {
	for w, held := range tr.assign {
		if _, ok := held[s]; ok {
			return w
		}
	}
	return ""
}

// execute is what the service does with a move's multi.
func (tr *simTree) execute(m move, term int) result {
	tr.t.Helper()
	if term != tr.term {
		tr.t.Fatalf("executed in term %d: %+v of term %d", tr.term, m, term)
	}
	task := tr.tasks[m.task]
	switch m.kind {
	case assign:
		switch {
		case !tr.workers[m.to]:
			return noWorker
		case tr.unfit[m.to]:
			return unfit
		case task == nil:
			return stale
		}
		return tr.give(m, m.attempt)
	case reassign, lose, bury:
		if m.kind == bury && m.from == "" {
			if task == nil || task.status != "" {
				return stale
			}
			task.status, task.since = "dead", tr.clock
			tr.change()
			return done
		}
		if m.to != "" && !tr.workers[m.to] {
			return noWorker
		}
		if m.to != "" && tr.unfit[m.to] {
			return unfit
		}
		a, ok := tr.assign[m.from][m.task]
		if !ok || task == nil || len(task.attempts)+1 != m.attempt {
			return stale
		}
		if want := (assigned{Assignment: a}).ended(); m.ended != want {
			tr.t.Fatalf("%+v: the attempt ended %q, want %q", m, m.ended, want)
		}
		if tr.workers[m.from] {
			tr.t.Fatalf("taken from a living worker: %+v", m)
		}
		delete(tr.assign[m.from], m.task)
		attempt := m.attempt
		if m.ended != "" {
			task.attempts = append(task.attempts, string(m.ended)+" by "+m.from)
			attempt++
		}
		tr.change("assign/" + m.from)
		if m.kind == bury {
			task.status, task.since = "dead", tr.clock
		}
		if m.kind == reassign {
			return tr.give(m, attempt)
		}
	case drop:
		if _, ok := tr.assign[m.from][m.task]; !ok {
			return stale
		}
		delete(tr.assign[m.from], m.task)
		tr.change("assign/" + m.from)
	case dismiss:
		if tr.assign[m.from] == nil || len(tr.assign[m.from]) > 0 {
			return stale
		}
		if tr.workers[m.from] {
			tr.t.Fatalf("list of a living worker removed: %+v", m)
		}
		delete(tr.assign, m.from)
		tr.change("assign")
	case cancel:
		return tr.cancel(m, task)
	case refuse:
		task.status, task.since = "failed", tr.clock
		task.attempts = append(task.attempts, "refused: "+m.why)
		tr.change()
	case forget:
		if tr.kept[m.task] {
			return barred
		}
		if m.stays && task != nil {
			task.attempts = task.attempts[len(m.debris):]
			return done
		}
		if task == nil || task.status == "" || tr.children(m, task) != len(task.attempts) {
			return stale
		}
		delete(tr.tasks, m.task)
		tr.change("tasks")
	}
	return done
}

func (tr *simTree) children(m move, task *simTask) int {
	if m.debris != nil {
		return len(m.debris) - 1
	}
	return m.attempt
}

func (tr *simTree) give(m move, attempt int) result {
	tr.t.Helper()
	task := tr.tasks[m.task]
	if tr.assign[m.to] == nil {
		return noWorker
	}
	if h := tr.holder(m.task); h != "" {
		tr.t.Fatalf("%+v: but %s has it", m, h)
	}
	if task.status != "" && !tr.byHand {
		tr.t.Fatalf("%+v: but it is %s", m, task.status)
	}
	if attempt != len(task.attempts)+1 && !tr.byHand {
		tr.t.Fatalf("%+v: attempt %d after %v", m, attempt, task.attempts)
	}
	if task.control != "" {
		tr.t.Fatalf("%+v: but it is a directive", m)
	}
	if lost := task.lost(); m.lost != lost && !tr.byHand {
		tr.t.Fatalf("%+v: %d attempts were lost", m, lost)
	} else if beside := tr.assign[m.to]; lost >= coordinator.SuspectLost && len(beside) > 0 {
		tr.t.Fatalf("%+v: a suspect goes beside %v", m, beside)
	}
	for beside := range tr.assign[m.to] {
		if tr.tasks[beside].lost() >= coordinator.SuspectLost {
			tr.t.Fatalf("%+v: goes beside the suspect %d", m, beside)
		}
	}
	tr.assign[m.to][m.task] = coordinator.Assignment{Attempt: attempt, Lost: m.lost}
	task.ran++
	tr.change("assign/" + m.to)
	return done
}

func (tr *simTree) cancel(m move, task *simTask) result {
	order := tr.tasks[m.order]
	if task == nil || task.status != "" || order == nil || order.status != "" {
		return stale
	}
	if h := tr.holder(m.task); h != m.from {
		if m.from == "" {
			tr.t.Fatalf("%+v: cancelled as waiting, but %s has it", m, h)
		}
		return stale
	}
	if m.from != "" {
		if m.attempt != len(task.attempts)+1 {
			return stale
		}
		delete(tr.assign[m.from], m.task)
		task.attempts = append(task.attempts, "cancelled")
		tr.change("assign/" + m.from)
	}
	task.status, task.since = "cancelled", tr.clock
	order.status, order.since = "done", tr.clock
	tr.change()
	return done
}

// look answers a question as a reader would, all at one moment.
func (tr *simTree) look(q question) answer {
	task := tr.tasks[q.task]
	switch {
	case task == nil && q.how == glance:
		return answer{}
	case task == nil:
		return answer{gone: true}
	case q.how == exact && tr.blind[q.task]:
		return answer{err: errors.New("blind")}
	case q.how == exact:
		names := []string{"status"}
		for n := range task.attempts {
			names = append(names, fmt.Sprintf("attempt-%d", n+1))
		}
		return answer{children: names}
	case task.status != "":
		return answer{final: true, at: task.since}
	case q.how == glance:
		return answer{}
	}
	a := answer{attempts: len(task.attempts), control: task.control}
	if a.control != "" {
		a.target = task.target.TaskID()
	}
	for _, outcome := range task.attempts {
		var w string
		if n, _ := fmt.Sscanf(outcome, "lost by %s", &w); n == 1 {
			a.died = append(a.died, w)
		}
	}
	a.assigned.Assignment, a.held = tr.assign[q.holder][q.task]
	return a
}

// list reads one list and returns the fact that tells it.
func (tr *simTree) list(which string) fact {
	zxid := tr.changed[which]
	switch which {
	case "tasks":
		var names []string
		for s := range tr.tasks {
			names = append(names, string(s.TaskID()))
		}
		return func(b *board) { b.tasksListed(names, zxid) }
	case "workers":
		names := slices.Collect(maps.Keys(tr.workers))
		return func(b *board) { b.workersListed(names, zxid) }
	case "assign":
		names := slices.Collect(maps.Keys(tr.assign))
		return func(b *board) { b.parentsListed(names, zxid) }
	}
	w := which[len("assign/"):]
	if tr.assign[w] == nil {
		return func(*board) {}
	}
	var names []string
	for s := range tr.assign[w] {
		names = append(names, string(s.TaskID()))
	}
	return func(b *board) { b.assignedListed(w, names, zxid) }
}

// lists names all lists there are.
func (tr *simTree) lists() []string {
	out := []string{"tasks", "workers", "assign"}
	for _, w := range slices.Sorted(maps.Keys(tr.assign)) {
		out = append(out, "assign/"+w)
	}
	return out
}
