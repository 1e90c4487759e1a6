package master

import (
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// question asks what the tree says about one task. Whoever answers reads the
// tree after the question was put.
type question struct {
	n      uint32 // numbers the questions of a board
	task   seq
	holder string // also: does /assign/<holder> have it? Empty: do not look
	ahead  bool   // the holder had been given it beyond its slots
	how    how
}

// how says what to read first, for the shortest way to the likely answer.
type how uint8

const (
	statusFirst how = iota // it may well be final
	taskFirst              // it is new
	glance                 // only whether it is final
	exact                  // all its children, to delete them
)

// answer is what the tree says about a task. Only the fields up to the first
// that is set mean something.
type answer struct {
	err   error // it cannot be read
	gone  bool  // there is no such task
	final bool
	at    time.Time // final: since when, by the service's clock

	children []string           // exact only
	held     bool               // the holder asked about has it
	control  string             // what the master shall do; empty: it is for a worker
	target   coordinator.TaskID // control: to which task
	attempts int
	died     []string // the workers that died on it, once per lost attempt
}

const (
	maxAsking = 64  // questions under way
	maxScan   = 8   // of these, about tasks far down the line
	lookahead = 256 // tasks examined ahead of what there is room for

	// shelfLife is for how long an examination is good. Only people change a
	// waiting task (they may write its status); that we notice at the latest
	// so long before we assign it.
	shelfLife = 10 * time.Second

	// parkTime is how long a task is left alone about which reads or writes
	// are refused.
	parkTime = 15 * time.Second
)

// questions returns what to look up now. Each must be answered.
func (b *board) questions() []question {
	b.line.settle()
	b.line.trim(b.idle)
	window := lookahead
	for _, r := range b.rooms() {
		window += r.free + r.ahead
	}
	var out []question
	for b.asking < maxAsking {
		q, ok := b.question(window, b.asks%2 == 0)
		if !ok {
			break
		}
		out = append(out, b.ask(q))
	}
	return out
}

// question picks the next one: what is urgent, then by turns the tasks that
// will be assigned soon and those that left a worker, and then the rest, so
// that a directive to the master does not wait for the tasks before it.
func (b *board) question(window int, lineFirst bool) (question, bool) {
	if q, ok := b.nextUrgent(); ok {
		return q, true
	}
	if lineFirst {
		if q, ok := b.nextInLine(window); ok {
			return q, true
		}
	}
	if q, ok := b.nextLeft(); ok {
		return q, true
	}
	if q, ok := b.nextInLine(window); ok {
		return q, true
	}
	if b.asking < maxScan {
		return b.nextArrival()
	}
	return question{}, false
}

// ask numbers a question; its answer will be the only one that counts.
func (b *board) ask(q question) question {
	b.asks++
	b.asking++
	q.n = b.asks
	b.tasks.get(q.task).ask = q.n
	return q
}

func (b *board) nextUrgent() (question, bool) {
	for len(b.urgent) > 0 {
		q := b.urgent[0]
		b.urgent = b.urgent[1:]
		if t := b.tasks.get(q.task); t != nil && t.state != moving && t.state != gone {
			return q, true
		}
	}
	return question{}, false
}

func (b *board) nextLeft() (question, bool) {
	for len(b.left) > 0 {
		q := b.left[0]
		b.left = b.left[1:]
		if t := b.tasks.get(q.task); t != nil && (t.state == left || t.state == held && b.doubts(q)) {
			return q, true
		}
	}
	return question{}, false
}

func (b *board) doubts(q question) bool {
	w := b.workers[q.holder]
	return w != nil && w.held[q.task].stage == doubted
}

func (b *board) nextInLine(window int) (question, bool) {
	for {
		s, ok := b.line.next(window)
		if !ok {
			return question{}, false
		}
		if t := b.tasks.get(s); t != nil && t.state == waiting && t.ask == 0 && !b.fresh(t) {
			return question{task: s, how: t.firstLook()}, true
		}
	}
}

// nextArrival goes through the tasks nobody has looked at yet: the ones that
// came last first, and of those that came together the oldest first.
func (b *board) nextArrival() (question, bool) {
	for len(b.arrivals) > 0 {
		last := &b.arrivals[len(b.arrivals)-1]
		if len(*last) == 0 {
			b.arrivals = b.arrivals[:len(b.arrivals)-1]
			continue
		}
		s := (*last)[0]
		*last = (*last)[1:]
		if t := b.tasks.get(s); t != nil && t.state == waiting && t.ask == 0 && t.seen == 0 {
			return question{task: s, how: t.firstLook()}, true
		}
	}
	return question{}, false
}

func (t *task) firstLook() how {
	if t.arrived && t.seen == 0 {
		return taskFirst
	}
	return statusFirst
}

// fresh reports whether what the board knows of the task is recent.
func (b *board) fresh(t *task) bool {
	return t.seen != 0 && b.clock()-t.seen <= shelfLife
}

// idle reports that the line may pass over a task.
func (b *board) idle(s seq) bool {
	t := b.tasks.get(s)
	return t == nil || t.state != waiting
}

// answered: the answer to a question.
func (b *board) answered(q question, a answer) {
	b.asking--
	t := b.tasks.get(q.task)
	if t == nil {
		return
	}
	current := t.ask == q.n
	if current {
		t.ask = 0
	}
	doubted := b.doubts(q)
	if b.resolve(q, a.err != nil || a.held) && t.holders == 0 && t.state == held {
		b.set(t, left)
		current = true
	}
	switch {
	case t.state == moving: // the multi's outcome will say more
	case a.gone:
		b.vanish(q.task, t)
	case a.final && q.how != exact:
		b.complete(q, t)
		b.finish(q.task, t, a.at)
	case !current:
	case q.how == exact:
		b.inspected(q.task, a)
	case a.err != nil:
		if !doubted { // else the next listing will have it looked up again
			b.park(q.task, t)
		}
	case q.how == glance:
		b.round.misses++
	default:
		b.examined(q, a, t)
	}
}

// examined: the task is not final.
func (b *board) examined(q question, a answer, t *task) {
	handedBack := t.state == left && t.seen != 0 && int(t.attempts) == a.attempts
	b.see(t, b.clock())
	t.attempts = uint16(min(a.attempts, 1<<16-1))
	t.lost = uint16(min(len(a.died), 1<<16-1))
	if len(a.died) > 0 {
		b.died[q.task] = a.died
	}
	switch t.state {
	case held:
		b.orphaned(q, a)
	case left:
		if a.held {
			b.rehold(q.holder, q.task, t)
			return
		}
		if handedBack {
			b.handedBack(q)
		}
		b.enqueue(q.task, t, a)
	case waiting:
		b.enqueue(q.task, t, a)
	}
}

// enqueue puts a task that was just examined where it belongs.
func (b *board) enqueue(s seq, t *task, a answer) {
	switch {
	case a.control != "":
		b.set(t, control)
		b.controls = append(b.controls, directive{task: s, verb: a.control, target: a.target})
	case t.state != waiting:
		b.set(t, waiting)
		b.line.join(s)
	}
	if t.state == waiting && int(t.lost) >= b.limits.maxLost {
		b.doomed = append(b.doomed, s)
	}
}

// rehold: the worker has the task after all. People can do such things.
func (b *board) rehold(holder string, s seq, t *task) {
	w := b.worker(holder)
	w.held[s] = hold{stage: unseen}
	t.holders++
	b.set(t, held)
	b.doubt(w, s)
	if !w.alive {
		b.urgent = append(b.urgent, question{task: s, holder: holder})
	}
}

// vanish: there is no such task.
func (b *board) vanish(s seq, t *task) {
	b.set(t, gone)
	b.dropAll(s, t)
	if t.holders == 0 && t.listing == 0 {
		b.remove(s, t)
	}
}

// dropAll takes the task off every worker's list: it is gone or final.
func (b *board) dropAll(s seq, t *task) {
	if t.holders == 0 {
		return
	}
	for _, w := range b.crew() {
		if h, ok := w.held[s]; ok && h.stage != pending {
			b.drops = append(b.drops, orphan{s, w.name})
		}
	}
}

// parking is a task left alone until a time.
type parking struct {
	until time.Time
	task  seq
}

func (b *board) park(s seq, t *task) {
	if t.state == final || t.state == gone {
		return
	}
	b.set(t, parked)
	b.parked = append(b.parked, parking{b.now.Add(parkTime), s})
}

// unpark has the tasks whose time is up examined as if they were new to us.
func (b *board) unpark() {
	for len(b.parked) > 0 {
		p := b.parked[0]
		if b.now.Before(p.until) {
			b.wakeAt(p.until)
			return
		}
		b.parked = b.parked[1:]
		if t := b.tasks.get(p.task); t != nil && t.state == parked {
			b.recover(p.task, t, "")
		}
	}
}

// recover puts a task that is not final where the lists of the workers say it
// is, to be examined before anything else is done with it. suspect is a worker
// that may have it, too.
func (b *board) recover(s seq, t *task, suspect string) {
	b.see(t, 0)
	if t.holders == 0 {
		b.set(t, left)
		b.left = append(b.left, question{task: s, holder: suspect})
		return
	}
	b.set(t, held)
	for _, w := range b.crew() {
		if h, ok := w.held[s]; ok && h.stage != pending && !w.alive {
			b.urgent = append(b.urgent, question{task: s, holder: w.name})
		}
	}
}
