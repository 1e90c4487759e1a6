package master

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// worker is what the board knows of one instance, dead or alive.
type worker struct {
	name string // the instance
	reg  coordinator.Registration

	alive      bool // is in /workers
	registered bool // has been in /workers, as far as we can tell
	parent     bool // is in /assign, so that it can be assigned tasks
	known      bool // reg has been read
	manual     bool // registered by a person
	since      time.Duration

	held map[seq]hold // its load: what is in its list, and what is on the way there
	list uint32       // listings of its assignments received
	zxid int64        // of the newest

	rate   rate      // completions
	paused time.Time // is given nothing until then
	backs  int       // tasks in a row that it handed back although it had a free slot
	tally  tally     // what became of its tasks since it died
}

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

// tally counts what became of the tasks of a dead worker.
type tally struct{ moved, queued, buried int }

// worker returns what is known of an instance, adding it if need be.
func (b *board) worker(name string) *worker {
	w := b.workers[name]
	if w == nil {
		w = &worker{name: name, held: make(map[seq]hold), since: b.clock()}
		b.workers[name] = w
		b.roster = nil
	}
	return w
}

// discharge forgets a worker of which nothing is left.
func (b *board) discharge(w *worker) {
	if !w.alive && !w.parent && len(w.held) == 0 && b.workers[w.name] == w {
		delete(b.workers, w.name)
		b.roster = nil
	}
}

// crew returns all workers, sorted by name.
func (b *board) crew() []*worker {
	if b.roster == nil {
		b.roster = slices.SortedFunc(maps.Values(b.workers), func(a, c *worker) int { return strings.Compare(a.name, c.name) })
	}
	return b.roster
}

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
	b.round.dirty = true
	for _, name := range names {
		s, ok := parseSeq(name)
		if !ok {
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
		b.drops = append(b.drops, orphan{s, w.name})
	case !w.alive:
		b.urgent = append(b.urgent, question{task: s, holder: w.name})
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
	w.held[s] = hold{since: w.list, stage: pending, ahead: len(w.held) >= w.reg.Slots}
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
		b.urgent = append(b.urgent, question{task: s, holder: name})
	}
}

// pause gives the worker nothing for a while.
func (b *board) pause(w *worker) { w.paused = b.now.Add(workerPause) }

const (
	// workerPause is how long a worker is left alone that was not there, or
	// that handed a task back although it had a free slot. For the latter it
	// doubles each time, pauseDoublings times at most.
	workerPause    = 500 * time.Millisecond
	pauseDoublings = 5
)

// complete: if a worker had the task, it has reported it.
func (b *board) complete(q question, t *task) {
	if q.holder == "" {
		return
	}
	t.attempts++
	if w := b.workers[q.holder]; w != nil && w.alive {
		w.rate.add(b.now)
		w.backs = 0
	}
}

// handedBack: the worker deleted the assignment and nothing else. Either it
// was given more than it can do soon, or it is leaving.
func (b *board) handedBack(q question) {
	w := b.workers[q.holder]
	if w == nil {
		return
	}
	w.rate = rate{}
	if !q.ahead {
		w.paused = b.now.Add(workerPause << w.backs)
		w.backs = min(w.backs+1, pauseDoublings)
	}
}

// rooms returns what each worker can be given now, sorted by name.
func (b *board) rooms() []room {
	var out []room
	for _, w := range b.crew() {
		if !w.alive || !w.parent || !w.known {
			continue
		}
		if b.now.Before(w.paused) {
			b.wakeAt(w.paused)
			continue
		}
		free, ahead := w.reg.Slots-len(w.held), 0
		if !w.manual {
			ahead = w.rate.ahead(b.now)
		}
		out = append(out, room{worker: w.name, free: max(0, free), ahead: max(0, ahead+min(0, free))})
	}
	return out
}

// byHand yields the tasks of the living workers that are people.
func (b *board) byHand() iter.Seq[seq] {
	return func(yield func(seq) bool) {
		for _, w := range b.crew() {
			if !w.manual || !w.alive {
				continue
			}
			for s, h := range w.held {
				if h.stage != pending && !yield(s) {
					return
				}
			}
		}
	}
}

// statusSeen: a task in the list of a living worker has a status.
func (b *board) statusSeen(s seq) {
	if t := b.tasks.get(s); t != nil && t.state == held {
		b.urgent = append(b.urgent, question{task: s})
	}
}
