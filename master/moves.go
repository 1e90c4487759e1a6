package master

import (
	"cmp"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// move is one thing to do to the tree, as one or a few operations that are
// done together or not at all.
type move struct {
	kind    kind
	task    seq
	from    string // the worker whose assignment is deleted
	to      string // the worker who is assigned the task
	attempt int    // assign: the attempt to come; forget: how many there are; else: the one that has ended
	lost    int    // with to: how many attempts were lost before, if the worker wants to know

	// What becomes of an attempt whose worker died; "": it was not started, and
	// the next has its number. The assignment is deleted at that version, as
	// it was read.
	ended   coordinator.Outcome
	version int32

	order  seq      // cancel: the directive; its status is written with it
	why    string   // refuse: for people; of an outcome: what the service said, if it refused
	debris []string // forget: the names below the task, where they are known
	stays  bool     // forget: there are more of them than one move deletes
}

type kind uint8

const (
	assign   kind = iota // to a worker
	reassign             // from a dead worker to another
	lose                 // from a dead worker, while no other has room, or none may have it beside other tasks
	bury                 // for good: too many workers died on it; from a dead worker, or waiting
	drop                 // an assignment that has no meaning any more
	dismiss              // the list of a dead worker
	cancel               // by directive
	refuse               // a directive that cannot be carried out
	forget               // a task that has been final for long enough
)

// cost returns how many operations the move takes, about.
func (m move) cost() int {
	switch m.kind {
	case assign:
		return 2
	case reassign, bury:
		return 4
	case cancel:
		return 5
	case forget:
		return len(m.debris) + m.attempt + 2
	}
	return 2
}

// moves returns what to do now, the most pressing first, up to about that many
// operations. Each move must be carried out or not, and settled.
func (b *board) moves(operations int) []move {
	b.line.settle()
	h := hand{b: b, left: operations, rooms: b.rooms()}
	h.directives()
	h.orphans()
	h.doomed()
	h.suspects()
	h.waiting()
	h.drops()
	h.dismissals()
	return h.moves
}

// hand collects the moves of one call.
type hand struct {
	b     *board
	rooms []room
	left  int // operations
	moves []move
}

// play makes a move. From here to its settling, the task is moving and the
// worker it goes to has a place less.
func (h *hand) play(m move) {
	h.moves = append(h.moves, m)
	h.left -= m.cost()
	if t := h.b.tasks.get(m.task); t != nil && m.kind != drop && m.kind != dismiss {
		h.b.set(t, moving)
	}
	if m.to != "" {
		h.b.reserve(m.to, m.task)
	}
}

// waiting assigns the tasks of the line, strictly the oldest first: one that
// is not examined yet holds up those behind it.
func (h *hand) waiting() {
	b := h.b
	for h.left > 0 {
		s, ok := b.line.trim(b.idle)
		if !ok {
			return
		}
		t := b.tasks.get(s)
		if !b.fresh(t) {
			if t.ask == 0 { // it was, when the cursor passed
				b.line.cursor = 0
			}
			return
		}
		if t.suspect() {
			b.line.drop(1)
			b.setApart(s, t)
			h.suspects()
			continue
		}
		i := place(h.rooms, b.shun(s, ""))
		if i < 0 {
			return
		}
		b.line.drop(1)
		h.assign(s, t, i)
	}
}

// assign gives a task to the worker of that room.
func (h *hand) assign(s seq, t *task, i int) {
	m := move{kind: assign, task: s, attempt: int(t.attempts) + 1}
	h.direct(&m, i, int(t.lost))
	h.play(m)
}

// direct sends a move to the worker of that room. A suspect has it for itself.
func (h *hand) direct(m *move, i, lost int) {
	r := &h.rooms[i]
	r.take()
	m.to = r.worker
	w := h.b.workers[r.worker]
	if w.reg.Marks {
		m.lost = lost
	}
	if lost >= coordinator.SuspectLost {
		r.free, r.ahead, r.host = 0, 0, true
		h.b.lodge(w, m.task)
	}
}

// orphan is a task in the list of a worker.
type orphan struct {
	task   seq
	worker string
	as     assigned // known of the task of a dead worker
}

// orphan has the tasks of a worker that died examined.
func (b *board) orphan(w *worker) {
	for s, h := range w.held {
		if h.stage != pending {
			b.urge(question{task: s, holder: w.name})
		}
	}
}

// seekHeir has the task examined if it is with a worker that died. Of several
// questions about a task only the answer to the last counts, so that this is
// due again whenever one such worker is done with.
func (b *board) seekHeir(s seq) {
	for _, w := range b.crew() {
		if h, ok := w.held[s]; ok && h.stage != pending && !w.alive {
			b.urge(question{task: s, holder: w.name})
		}
	}
}

// orphaned: a task in the list of a worker was examined and is not final. The
// worker is dead, or else another that has it may be.
func (b *board) orphaned(q question, a answer) {
	t, w := b.tasks.get(q.task), b.workers[q.holder]
	has := false
	if w != nil && !w.alive {
		_, has = w.held[q.task]
	}
	if !has {
		if t.holders > 1 {
			b.seekHeir(q.task)
		}
		return
	}
	if !a.held {
		b.leave(w, q.task)
		return
	}
	if t.holders > 1 || a.control != "" {
		b.drops = append(b.drops, orphan{task: q.task, worker: q.holder})
		return
	}
	b.orphans = append(b.orphans, orphan{q.task, q.holder, a.assigned})
}

// orphans moves the tasks of dead workers. They go before those that wait:
// they had been assigned once, so they are older.
func (h *hand) orphans() {
	b := h.b
	slices.SortFunc(b.orphans, func(x, y orphan) int { return cmp.Compare(x.task, y.task) })
	for h.left > 0 && len(b.orphans) > 0 {
		o := b.orphans[0]
		b.orphans = b.orphans[1:]
		t, w := b.tasks.get(o.task), b.workers[o.worker]
		if t == nil || t.state != held || w == nil || w.alive {
			continue
		}
		if hold, ok := w.held[o.task]; !ok || hold.stage == pending {
			continue
		}
		h.play(h.rescue(o, t))
	}
}

// rescue decides what becomes of the task of a dead worker.
func (h *hand) rescue(o orphan, t *task) move {
	m := move{
		kind: lose, task: o.task, from: o.worker, attempt: int(t.attempts) + 1,
		ended: o.as.ended(), version: o.as.version,
	}
	lost := int(t.lost)
	if m.ended == coordinator.OutcomeLost {
		lost++
	}
	more := 0
	if m.ended != "" {
		more++
	}
	if lost >= h.b.limits.maxLost || h.b.spent(t, more) {
		m.kind = bury
		if t.attempts >= coordinator.MaxAttempts { // a person assigned it; there is no number for the attempt
			m.ended = ""
		}
		return m
	}
	if lost >= coordinator.SuspectLost {
		return m
	}
	if i := place(h.rooms, h.b.shun(o.task, o.worker)); i >= 0 {
		m.kind = reassign
		h.direct(&m, i, lost)
	}
	return m
}

// doomed ends the tasks that are spent, as the workers themselves have recorded.
func (h *hand) doomed() {
	b := h.b
	for h.left > 0 && len(b.doomed) > 0 {
		s := b.doomed[0]
		b.doomed = b.doomed[1:]
		if t := b.tasks.get(s); t != nil && t.state == waiting && b.spent(t, 0) {
			h.play(move{kind: bury, task: s})
		}
	}
}

// shun tells which workers the task died on, as it will know when the one
// named here is added: instances of the same name, which are most likely the
// same machine. It is nil when there are none.
func (b *board) shun(s seq, also string) func(string) bool {
	died := b.died[s]
	if also != "" {
		died = append(slices.Clip(died), also)
	}
	if len(died) == 0 {
		return nil
	}
	return func(worker string) bool {
		return slices.ContainsFunc(died, func(d string) bool { return coordinator.InstanceName(d) == coordinator.InstanceName(worker) })
	}
}

// drops deletes assignments of tasks that are final, gone or with another.
func (h *hand) drops() {
	b := h.b
	for h.left > 0 && len(b.drops) > 0 {
		o := b.drops[0]
		b.drops = b.drops[1:]
		if w := b.workers[o.worker]; w != nil {
			if hold, ok := w.held[o.task]; ok && hold.stage != pending {
				h.play(move{kind: drop, task: o.task, from: o.worker})
			}
		}
	}
}

// strangerGrace is how long a list under /assign may be there without its
// worker: it may be about to register.
const strangerGrace = time.Minute

// dismissals removes the lists of dead workers that are empty.
func (h *hand) dismissals() {
	b := h.b
	for _, w := range b.crew() {
		if h.left <= 0 {
			return
		}
		if w.alive || !w.parent || w.list == 0 || len(w.held)+w.foreign > 0 || w.dismissed {
			continue
		}
		if due := b.epoch.Add(w.since + strangerGrace); !w.registered && b.now.Before(due) {
			b.wakeAt(due)
			continue
		}
		w.dismissed = true
		h.play(move{kind: dismiss, from: w.name})
	}
}
