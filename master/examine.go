package master

import (
	"math"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

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
		if t.state != final {
			b.complete(q, t)
			b.finish(q.task, t, a.at)
		}
	case q.how == exact && t.state == final:
		b.inspected(q.task, a)
	case !current:
	case a.err != nil:
		if !doubted { // else the next listing will have it looked up again
			b.park(q.task, t, a.err.Error())
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
	t.attempts = uint32(min(a.attempts, math.MaxInt32))
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
	if t.state == waiting && b.spent(t, 0) {
		b.doomed = append(b.doomed, s)
	}
}

// spent reports that the task is not to be attempted again, when so many more
// attempts are recorded: too many workers were lost with it, or the next would
// have a number that nobody takes for one.
func (b *board) spent(t *task, more int) bool {
	return int(t.lost) >= b.limits.maxLost || int(t.attempts)+more >= coordinator.MaxAttempts
}

// rehold: the worker has the task after all. People can do such things.
func (b *board) rehold(holder string, s seq, t *task) {
	w := b.worker(holder)
	w.held[s] = hold{stage: unseen}
	t.holders++
	b.set(t, held)
	b.doubt(w, s)
	if !w.alive {
		b.urge(question{task: s, holder: holder})
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
			b.drops = append(b.drops, orphan{task: s, worker: w.name})
		}
	}
}

// parkTime is how long a task is left alone about which reads or writes are
// refused.
const parkTime = 15 * time.Second

// parking is a task left alone until a time.
type parking struct {
	until time.Time
	task  seq
}

// shelvedMax bounds how many lines the log gets in a term about parked tasks.
const shelvedMax = 100

// park leaves a task alone for a while. The log gets a line about it, once.
func (b *board) park(s seq, t *task, why string) {
	if t.state == final || t.state == gone {
		return
	}
	if !t.shelved && b.shelved < shelvedMax {
		t.shelved = true
		b.shelved++
		b.news = append(b.news, news{what: shelved, task: s, why: why})
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
	b.seekHeir(s)
}
