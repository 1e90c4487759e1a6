package master

import "github.com/mwqueue/mw/coordinator"

// hold is one task of one worker.
type hold struct {
	list  uint32 // the last listing that had it
	since uint32 // the last listing before the stage was entered
	stage stage
	ahead bool // given beyond the worker's slots
}

type stage uint8

const (
	pending stage = iota // the multi that creates it is under way
	unseen               // created, but not in a listing yet
	seen                 // was in a listing
	doubted              // created, and a listing was without it: being looked up
)

// assignedListed: the znodes under /assign/<worker>.
//
// A task that was in the list and is no more has been reported or handed back;
// an examination will tell which. Of a task that we know was created, but that
// was not in the list yet, a listing without it leaves two possibilities: the
// listing is older than the assignment, or the task has come and gone. That is
// looked up, and until then the task counts as the worker's.
func (b *board) assignedListed(name string, names []string, zxid int64) {
	w := b.worker(name)
	if zxid < w.zxid {
		return
	}
	w.zxid = zxid
	w.list++
	w.foreign, w.dismissed = 0, false
	b.round.dirty = true
	for _, name := range names {
		s, ok := coordinator.ParseTaskSeq(name)
		if !ok {
			w.foreign++
			continue
		}
		h, ok := w.held[s]
		if !ok {
			b.claim(w, s)
			h.stage = seen
		} else if h.stage != pending {
			h.stage = seen
		}
		h.list = w.list
		w.held[s] = h
	}
	for s, h := range w.held {
		switch {
		case h.list == w.list:
		case h.stage == seen:
			b.leave(w, s)
		case h.stage == unseen:
			b.doubt(w, s)
		}
	}
}

// doubt has it looked up whether the worker still has the task.
func (b *board) doubt(w *worker, s seq) {
	h := w.held[s]
	h.stage, h.since = doubted, w.list
	w.held[s] = h
	b.left = append(b.left, question{task: s, holder: w.name, ahead: h.ahead})
}

// resolve: whether the worker still has a task was looked up. It reports
// whether the task has left the worker.
func (b *board) resolve(q question, there bool) (left bool) {
	w := b.workers[q.holder]
	if w == nil {
		return false
	}
	h, ok := w.held[q.task]
	switch {
	case !ok || h.stage != doubted:
		return false
	case !there:
		b.release(w, q.task)
		return true
	case h.since != w.list: // and there was another listing without it meanwhile
		b.doubt(w, q.task)
	default:
		h.stage = unseen // a listing with it will come
		w.held[q.task] = h
	}
	return false
}

// claim: the tree shows the task with a worker where the board has not put it.
func (b *board) claim(w *worker, s seq) {
	t := b.tasks.get(s)
	if t == nil {
		t = b.add(s)
	}
	t.holders++
	w.registered = true // it was, when it was assigned the task
	switch t.state {
	case waiting, left, control, parked:
		b.set(t, held)
	}
	switch {
	case t.state == final || t.state == gone:
		b.drops = append(b.drops, orphan{task: s, worker: w.name})
	case !w.alive:
		b.urge(question{task: s, holder: w.name})
	}
}

// leave: the task is no longer with that worker.
func (b *board) leave(w *worker, s seq) {
	h := w.held[s]
	t := b.release(w, s)
	if t != nil && t.holders == 0 && t.state == held {
		b.set(t, left)
		b.left = append(b.left, question{task: s, holder: w.name, ahead: h.ahead})
	}
}

// release takes the task off the worker's list.
func (b *board) release(w *worker, s seq) *task {
	h, ok := w.held[s]
	if !ok {
		return b.tasks.get(s)
	}
	delete(w.held, s)
	b.unlodge(w, s)
	t := b.tasks.get(s)
	if h.stage != pending && t != nil {
		t.holders--
		if t.holders == 0 && t.listing != b.listing && (t.state == final || t.state == gone) {
			b.remove(s, t) // the listings of /tasks are without it
		}
	}
	if !w.alive && len(w.held) == 0 {
		if w.tally != (tally{}) {
			b.news = append(b.news, news{what: relieved, worker: w.name, tally: w.tally})
			w.tally = tally{}
		}
		b.discharge(w)
	}
	return t
}

// reserve counts a task as the worker's while the multi is under way.
func (b *board) reserve(name string, s seq) {
	w := b.worker(name)
	w.held[s] = hold{since: w.list, stage: pending, ahead: len(w.held)+b.stopping(w) >= w.reg.Slots}
}

// arrive: the multi that assigned the task was carried out. A listing that
// came meanwhile may have had it, or be from after it was finished already.
func (b *board) arrive(name string, s seq) {
	w := b.worker(name)
	h, ok := w.held[s]
	t := b.tasks.get(s)
	if !ok || h.stage != pending || t == nil {
		return
	}
	t.holders++
	w.unfit = 0
	h.stage = unseen
	listed := w.list != h.since
	if listed && h.list == w.list {
		h.stage = seen
	}
	w.held[s] = h
	if listed && h.stage == unseen {
		b.doubt(w, s)
	}
	if !w.alive {
		b.urge(question{task: s, holder: name})
	}
}
