package master

import (
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// state says where a task is.
//
//	waiting ──► moving ──► held ──► left ──► waiting, final
//	   │           ▲         │
//	   └► control ─┘         └► moving (its worker died, or it is cancelled)
type state uint8

const (
	waiting state = iota // in the line
	moving               // a multi about it is under way
	held                 // in the list of a worker
	left                 // gone from that list; an examination will tell why
	control              // for the master itself to carry out
	parked               // refused for a reason we do not know; back in a while
	final                // has a status; stays until it is forgotten
	gone                 // its znode is gone; stays until /tasks is listed without it
	states               // how many there are
)

// task is what the board remembers of one task, in 32 bytes and without a
// pointer, for there may be a million. Its spec is not kept.
type task struct {
	seen     time.Duration // when last examined in this term, by board.clock; 0: not yet
	listing  uint32        // the last listing of /tasks it was in; 0: none
	ask      uint32        // the question under way about it; 0: none
	attempts uint32        // there were when last examined
	lost     uint16        // of these, ended by the death of a worker
	holders  uint16        // workers in whose lists it is
	state    state
	arrived  bool  // came since the term began, so that it most likely is untouched
	apart    bool  // waits among the suspects, not in the line
	queued   bool  // a question about it is among the urgent
	shelved  bool  // the log has it that it was parked
	refusals uint8 // since its last move that was carried out
}

// board is what the master knows of the tree, and what it makes of it. It does
// no I/O, starts no goroutine and reads no clock: facts are told to it by
// method calls, the time by tick, and it answers with questions to look up in
// the tree and moves to carry out. Nothing it holds is anywhere but in the
// tree, too, so a new board fed from the tree makes the same moves.
//
// A board is not safe for concurrent use; the loop of the role owns it.
type board struct {
	limits limits
	epoch  time.Time // when the board was made
	origin time.Time // the same by the service's clock; known in a term
	now    time.Time // as of the last tick
	alarm  time.Time // the earliest time at which something becomes due; zero: none

	tasks      taskSet
	count      [states]int
	unexamined int // tasks that wait and have not been examined in this term
	foreign    int // names under /tasks that are no task IDs
	workers    map[string]*worker
	roster     []*worker // workers by name; nil when it must be made anew

	born   map[string]int64 // the Czxid of each root
	remade bool             // a root was deleted, perhaps made again: the board is of no use any more

	// The newest listings. An older one than that is not news.
	listing                             uint32
	tasksZxid, workersZxid, parentsZxid int64

	line     line
	suspects suspects
	arrivals [][]seq // tasks of which none knows yet whether they are for us to carry out
	died     map[seq][]string
	controls []directive
	parked   []parking
	shelved  int // how many tasks the log has it of that they were parked in this term

	asks   uint32 // questions ever asked; numbers them
	asking int    // questions under way
	urgent []question
	left   []question
	round  round // of a standby

	orphans []orphan
	doomed  []seq // waiting, although they are spent
	drops   []orphan
	finals  finals

	news []news // for the log; the loop takes them
}

// limits are the numbers of Config the board decides by.
type limits struct {
	retention time.Duration
	retain    int
	maxLost   int
}

func newBoard(l limits, now time.Time) *board {
	return &board{
		limits:  l,
		epoch:   now.Add(-1), // so that clock is never 0
		now:     now,
		workers: make(map[string]*worker),
		died:    make(map[seq][]string),
		born:    make(map[string]int64),
		finals:  finals{debris: make(map[seq][]string)},
	}
}

// tick tells the time, before a round of facts, questions and moves.
func (b *board) tick(now time.Time) {
	b.now = now
	b.alarm = time.Time{}
	b.unpark()
}

// clock is the time since the board was made; never 0.
func (b *board) clock() time.Duration { return b.now.Sub(b.epoch) }

// wakeAt asks for a tick at that time at the latest.
func (b *board) wakeAt(at time.Time) {
	if b.alarm.IsZero() || at.Before(b.alarm) {
		b.alarm = at
	}
}

// rooted: that znode was there when its children were listed, created at that
// zxid; 0: it was not there. A root that is another than it was, because somebody
// deleted the tree, has other children, whatever their names: the numbers of tasks
// begin at 0 again. Then nothing that the board knows is of use.
func (b *board) rooted(root string, czxid int64) {
	known := b.born[root]
	b.remade = b.remade || known != 0 && known != czxid
	b.born[root] = czxid
}

// tasksListed: the znodes under /tasks.
func (b *board) tasksListed(names []string, zxid int64) {
	if zxid < b.tasksZxid {
		return
	}
	b.tasksZxid = zxid
	first := b.listing == 0
	b.listing++
	b.foreign = 0
	if b.enlist(names, !first) < b.tasks.n {
		b.sweep()
	}
	b.round.dirty = b.round.dirty || first
}

// tasksCame: some of the znodes under /tasks, made since the last listing. They
// may have been told before, but are not gone since: a listing would tell that.
func (b *board) tasksCame(names []string) { b.enlist(names, true) }

// enlist takes names that are, or might as well be, in the last listing. It
// returns how many of them are task IDs. arrived: what is new came just now.
func (b *board) enlist(names []string, arrived bool) (listed int) {
	var came []seq
	for _, name := range names {
		s, ok := coordinator.ParseTaskSeq(name)
		if !ok {
			b.foreign++
			continue
		}
		t := b.tasks.get(s)
		if t == nil {
			t = b.add(s)
			t.arrived = arrived
			b.line.join(s)
			came = append(came, s)
		}
		t.listing = b.listing
		listed++
	}
	if len(came) > 0 {
		slices.Sort(came)
		b.welcome(came)
	}
	return listed
}

// sweep removes the tasks that the last listing of /tasks was without, unless
// something else still holds them.
func (b *board) sweep() {
	for s, t := range b.tasks.all() {
		if t.listing != b.listing && t.listing != 0 && t.holders == 0 && t.state != moving {
			b.remove(s, t)
		}
	}
}

func (b *board) add(s seq) *task {
	t := b.tasks.add(s)
	b.counting(t, 1)
	return t
}

func (b *board) remove(s seq, t *task) {
	b.counting(t, -1)
	b.tasks.delete(s)
	delete(b.died, s)
	delete(b.finals.debris, s)
}

// set changes the state. The answer to a question asked before is old then.
func (b *board) set(t *task, st state) {
	b.counting(t, -1)
	t.state, t.ask, t.apart = st, 0, false
	b.counting(t, 1)
}

// see notes when the task was examined; 0 makes it one that was not.
func (b *board) see(t *task, at time.Duration) {
	b.counting(t, -1)
	t.seen = at
	b.counting(t, 1)
}

// counting adds a task to the counts, or takes it off.
func (b *board) counting(t *task, n int) {
	b.count[t.state] += n
	if t.seen == 0 && (t.state == waiting || t.state == left) {
		b.unexamined += n
	}
}

// workersListed: the znodes under /workers, which are the living workers.
func (b *board) workersListed(names []string, zxid int64) {
	if zxid < b.workersZxid {
		return
	}
	b.workersZxid = zxid
	alive := make(map[string]bool, len(names))
	for _, name := range names {
		alive[name] = true
		w := b.worker(name)
		if !w.alive {
			w.alive, w.registered = true, true
			b.news = append(b.news, news{what: joined, worker: name})
		}
	}
	for name, w := range b.workers {
		if alive[name] {
			continue
		}
		if w.alive {
			w.alive = false
			b.news = append(b.news, news{what: departed, worker: name, count: len(w.held)})
			b.orphan(w)
		}
		b.discharge(w) // also one whose registration was told after a listing without it
	}
}

// registered: what a worker says about itself. A registration that is no JSON
// object was typed by a person.
func (b *board) registered(name string, data []byte) {
	w := b.worker(name)
	before := w.reg.Stopping
	w.reg = coordinator.ParseRegistration(data)
	if w.reg.Stopping < before && w.backs > 0 { // that was why it handed tasks back
		w.paused, w.backs = time.Time{}, 0
	}
	w.known = true
	w.manual = !strings.HasPrefix(strings.TrimSpace(string(data)), "{")
}

// parentsListed: the znodes under /assign, one for each worker that can be, or
// could once be, assigned tasks.
func (b *board) parentsListed(names []string, zxid int64) {
	if zxid < b.parentsZxid {
		return
	}
	b.parentsZxid = zxid
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
		b.worker(name).parent = true
	}
	for name, w := range b.workers {
		if w.parent && !there[name] {
			w.parent = false
			b.assignedListed(name, nil, w.zxid)
			b.discharge(w)
		}
	}
}

// takeNews returns the news since the last call.
func (b *board) takeNews() []news {
	out := b.news
	b.news = nil
	return out
}

// news is a change of shape, for the log.
type news struct {
	what   event
	worker string
	task   seq    // unforgettable, shelved
	why    string // shelved
	count  int    // of the tasks it held
	tally  tally  // of what became of them
}

type event uint8

const (
	joined event = iota
	departed
	relieved // all tasks of a dead worker are dealt with
	refusing // nothing can be assigned to it

	unforgettable // a final task cannot be deleted
	shelved       // a task is left alone for a while
)
