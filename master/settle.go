package master

import "github.com/mwqueue/mw/coordinator"

// result says what became of a move.
type result uint8

const (
	done     result = iota
	noWorker        // the worker it was to go to is not there, or not ready
	unfit           // the worker it was to go to can be assigned nothing: its list refuses it
	stale           // the tree is not as the board believed
	barred          // refused for a reason that is not in the tree
)

// blamesWorker reports that the move failed because of the worker it was to go
// to: the task is none the worse for it.
func (r result) blamesWorker() bool { return r == noWorker || r == unfit }

// refusalsMax is how often in a row a task's moves may be refused before it is
// left alone for a while.
const refusalsMax = 5

// settled: what became of a move.
func (b *board) settled(m move, r result) {
	t := b.tasks.get(m.task)
	if m.kind == dismiss {
		b.dismissed(m, r)
		return
	}
	if m.kind == drop {
		b.dropped(m, t, r)
		return
	}
	if t == nil {
		return // cannot be: a moving task is not removed
	}
	if r == done {
		t.refusals = 0
		b.did(m, t)
		return
	}
	b.refused(m, t, r)
}

// did: the move was carried out.
func (b *board) did(m move, t *task) {
	switch m.kind {
	case assign:
		b.set(t, held)
		b.arrive(m.to, m.task)
	case reassign:
		b.lost(m, t)
		b.release(b.worker(m.from), m.task)
		b.set(t, held)
		b.arrive(m.to, m.task)
	case lose:
		b.lost(m, t)
		b.release(b.worker(m.from), m.task)
		b.set(t, held)
		b.requeue(m.task, t)
	case bury:
		if m.from != "" {
			b.lost(m, t)
			b.release(b.worker(m.from), m.task)
		}
		b.finish(m.task, t, b.service())
	case cancel:
		if m.from != "" {
			t.attempts++
			b.release(b.worker(m.from), m.task)
			b.cancelled(m.from)
		}
		b.finish(m.task, t, b.service())
		if o := b.tasks.get(m.order); o != nil {
			b.finish(m.order, o, b.service())
		}
	case refuse:
		t.attempts = 1
		b.finish(m.task, t, b.service())
	case forget:
		b.forgotten(m, t)
	}
}

// lost: the task's worker died.
func (b *board) lost(m move, t *task) {
	if m.ended != "" {
		t.attempts++
	}
	if m.ended == coordinator.OutcomeLost {
		t.lost++
		b.died[m.task] = append(b.died[m.task], m.from)
	}
	w := b.worker(m.from)
	switch m.kind {
	case reassign:
		w.tally.moved++
	case lose:
		w.tally.queued++
	case bury:
		w.tally.buried++
	}
}

// requeue puts a task nobody has back in the line, at its old place.
func (b *board) requeue(s seq, t *task) {
	if t.holders > 0 {
		b.set(t, held)
		return
	}
	b.set(t, waiting)
	b.line.join(s)
}

// refused: the move was not carried out. The task goes back to where it was,
// to be examined again unless that would tell nothing new.
func (b *board) refused(m move, t *task, r result) {
	if m.to != "" {
		w := b.worker(m.to)
		b.release(w, m.task)
		if r.blamesWorker() {
			b.setBack(w, r)
		}
	}
	if m.kind == cancel {
		b.putBack(m)
	}
	switch {
	case m.kind == forget:
		b.unforgotten(m, t, r)
	case r.blamesWorker() && m.kind == assign:
		b.requeue(m.task, t)
	case r.blamesWorker():
		b.recover(m.task, t, m.to)
	case r == barred || t.refusals >= refusalsMax:
		b.park(m.task, t, m.why)
	default:
		t.refusals++
		b.recover(m.task, t, m.to)
	}
}

func (b *board) dropped(m move, t *task, r result) {
	if r == barred {
		return // stays until the next term
	}
	// Carried out, or it was not there any more: either way it is off the list.
	w := b.workers[m.from]
	if w == nil {
		return
	}
	if t != nil && t.state == held && t.holders == 1 {
		b.leave(w, m.task)
		return
	}
	if t := b.release(w, m.task); t != nil && t.state == held {
		b.seekHeir(m.task)
	}
}

func (b *board) dismissed(m move, r result) {
	if w := b.workers[m.from]; w != nil && r == done {
		w.parent = false
		b.discharge(w)
	}
}
