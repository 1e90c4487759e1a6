package master

import (
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// View is what GET /api/board shows: the queue as the master sees it.
type View struct {
	Role    string       `json:"role"` // "leading", "standby" or "connecting"
	Addr    string       `json:"addr"`
	Term    int32        `json:"term,omitempty"`
	Tasks   Counts       `json:"tasks"`
	Workers []WorkerView `json:"workers"`
	Moves   []MoveView   `json:"moves"` // the last ones, the newest first
}

// Counts says how many tasks are in which state.
type Counts struct {
	Waiting    int `json:"waiting"`    // for a worker
	Unexamined int `json:"unexamined"` // of these: not yet read in this term
	Assigned   int `json:"assigned"`
	Moving     int `json:"moving"`     // a write about them is under way
	Directives int `json:"directives"` // for the master to carry out
	Parked     int `json:"parked"`     // the service refuses what is to be done about them
	Final      int `json:"final"`
	Foreign    int `json:"foreign"` // znodes under /tasks whose names are no task IDs
}

// WorkerView is one instance, dead or alive.
type WorkerView struct {
	Worker string  `json:"worker"`
	Name   string  `json:"name,omitempty"`
	Addr   string  `json:"addr,omitempty"`
	Alive  bool    `json:"alive"`
	Ready  bool    `json:"ready"` // has a list under /assign
	Slots  int     `json:"slots"`
	Load   int     `json:"load"`  // tasks assigned to it, or being stopped by it
	Ahead  int     `json:"ahead"` // how many more than its slots it may have now
	Rate   float64 `json:"rate"`  // completions per second, recently
}

// MoveView is one move that was carried out.
type MoveView struct {
	At      time.Time          `json:"at"`
	Kind    string             `json:"kind"`
	Task    coordinator.TaskID `json:"task,omitempty"`
	From    string             `json:"from,omitempty"`
	To      string             `json:"to,omitempty"`
	Attempt int                `json:"attempt,omitempty"`
}

// view returns what people may want to know. It is a copy.
func (w *work) view(role string, term int32) View {
	return View{
		Role: role, Addr: w.m.advertised, Term: term,
		Tasks: w.b.counts(), Workers: w.b.workerViews(), Moves: w.recent.views(),
	}
}

func (b *board) counts() Counts {
	return Counts{
		Waiting:    b.count[waiting] + b.count[left],
		Unexamined: b.unexamined,
		Assigned:   b.count[held],
		Moving:     b.count[moving],
		Directives: b.count[control],
		Parked:     b.count[parked],
		Final:      b.count[final],
		Foreign:    b.foreign,
	}
}

func (b *board) workerViews() []WorkerView {
	out := make([]WorkerView, 0, len(b.workers))
	for _, w := range b.crew() {
		out = append(out, WorkerView{
			Worker: w.name, Name: w.reg.Name, Addr: w.reg.Addr,
			Alive: w.alive, Ready: w.parent, Slots: w.reg.Slots,
			Load: len(w.held) + b.stopping(w), Ahead: w.rate.ahead(b.now), Rate: w.rate.now(b.now),
		})
	}
	return out
}

// journal keeps the last moves. The zero journal is empty.
type journal struct {
	ring [journalSize]MoveView
	n    int // ever added
}

const journalSize = 50

var kindNames = [...]string{
	assign: "assign", reassign: "reassign", lose: "queue again", bury: "dead", drop: "drop",
	dismiss: "dismiss", cancel: "cancel", refuse: "refuse", forget: "forget",
}

func (j *journal) add(at time.Time, m move) {
	v := MoveView{At: at, Kind: kindNames[m.kind], From: m.from, To: m.to}
	if m.kind != dismiss {
		v.Task = m.task.TaskID()
	}
	if m.kind != forget && m.kind != refuse {
		v.Attempt = m.attempt
	}
	j.ring[j.n%journalSize] = v
	j.n++
}

func (j *journal) views() []MoveView {
	out := make([]MoveView, 0, min(j.n, journalSize))
	for i := j.n - 1; i >= max(0, j.n-journalSize); i-- {
		out = append(out, j.ring[i%journalSize])
	}
	return out
}
