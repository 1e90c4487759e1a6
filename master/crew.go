package master

import (
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

	foreign   int  // names in its list that are no task IDs
	dismissed bool // the removal of its list was tried, and there was no listing since

	held map[seq]hold // its load: what is in its list, and what is on the way there
	list uint32       // listings of its assignments received
	zxid int64        // of the newest

	rate   rate      // completions
	paused time.Time // is given nothing until then
	backs  int       // tasks in a row that it handed back although it had a free slot
	unfit  int       // pauses in a row because nothing could be assigned to it

	// until holds for how long tasks that were cancelled while the worker had
	// them count as its load, the soonest first: it is stopping them.
	until []time.Time
	tally tally // what became of its tasks since it died

	guest      seq       // a suspect that it has
	guestSince time.Time // the worker is for it alone since then; zero: there is none
	rest       time.Time // is given no suspect before, if others wait
}

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

// setBack: a move failed because of the worker. It is given nothing for a
// while, for a longer one each time if nothing can be assigned to it.
func (b *board) setBack(w *worker, r result) {
	switch {
	case b.now.Before(w.paused): // known; this move was under way by then
	case r == unfit:
		w.paused = b.now.Add(workerPause << w.unfit)
		if w.unfit == 0 {
			b.news = append(b.news, news{what: refusing, worker: w.name})
		}
		w.unfit = min(w.unfit+1, pauseDoublings)
	default:
		w.paused = b.now.Add(workerPause)
	}
}

// cancelled: a task of the worker was. It will find it taken away, and stop it.
func (b *board) cancelled(name string) {
	if w := b.workers[name]; w != nil && w.alive {
		w.until = append(w.until, b.now.Add(stoppingTime))
	}
}

// stopping returns how many slots are taken by commands that were cancelled. A
// command may take a while to stop: then the worker says so, once it knows.
func (b *board) stopping(w *worker) int {
	for len(w.until) > 0 && !b.now.Before(w.until[0]) {
		w.until = w.until[1:]
	}
	if len(w.until) > 0 {
		b.wakeAt(w.until[0])
	}
	return max(len(w.until), w.reg.Stopping)
}

// stoppingTime is how long a worker has to stop a cancelled command, or to say
// that it is stopping it.
const stoppingTime = 250 * time.Millisecond

const (
	// workerPause is how long a worker is left alone that was not there, that
	// could be assigned nothing, or that handed a task back although it had a
	// free slot. For the latter two it doubles each time, pauseDoublings times
	// at most.
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
		if !w.alive || !w.parent || !w.known || w.reg.Draining {
			continue
		}
		if b.now.Before(w.paused) {
			b.wakeAt(w.paused)
			continue
		}
		r := room{worker: w.name, load: len(w.held) + b.stopping(w), host: b.hosting(w)}
		if !r.host && w.name != b.suspects.draining {
			free, ahead := w.reg.Slots-r.load, 0
			if !w.manual {
				ahead = w.rate.ahead(b.now)
			}
			r.free, r.ahead = max(0, free), max(0, ahead+min(0, free))
		}
		out = append(out, r)
	}
	return out
}
