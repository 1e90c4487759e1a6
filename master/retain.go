package master

import (
	"cmp"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// finals are the tasks that have a status, in the order they are to be
// forgotten.
type finals struct {
	order  []entry          // oldest first; may hold tasks that are gone already
	later  []parking        // could not be forgotten; to be tried again, soonest first
	paused time.Time        // nothing is forgotten before
	told   bool             // the log has it that some could not be
	moving int              // being forgotten
	debris map[seq][]string // the children of tasks that have others than expected, the status last
}

// entry is one final task.
type entry struct {
	at   int64 // since when it is final: milliseconds of the service's clock
	task seq
}

// add puts one in at its place, which is nearly always the end.
func (f *finals) add(e entry) {
	at := len(f.order)
	if at > 0 && f.order[at-1].at > e.at {
		at, _ = slices.BinarySearchFunc(f.order, e, func(x, y entry) int { return cmp.Compare(x.at, y.at) })
	}
	f.order = slices.Insert(f.order, at, e)
}

const (
	// keepAtLeast is how long a final task stays however many there are, so
	// that those who wait for it can read how it ended.
	keepAtLeast = 5 * time.Second

	// forgetMax is how many children one move deletes.
	forgetMax = 90

	// forgetPause is how long nothing is forgotten after a refusal, and how
	// long that task is left alone; for the latter it doubles each time, up to
	// forgetDoublings times.
	forgetPause     = 5 * time.Second
	forgetDoublings = 9
)

// service is the time by the service's clock, by which znodes are stamped. It
// goes on evenly whatever is done to the clocks.
func (b *board) service() time.Time { return b.origin.Add(b.clock()) }

// finish: the task is final since that time.
func (b *board) finish(s seq, t *task, at time.Time) {
	if t.state == final {
		return
	}
	b.set(t, final)
	delete(b.died, s)
	b.finals.add(entry{at: at.UnixMilli(), task: s})
	b.dropAll(s, t)
}

// forgets returns which tasks to delete now, up to about that many operations.
// It returns none while earlier ones are under way: they can wait.
func (b *board) forgets(operations int) []move {
	f := &b.finals
	if f.moving > 0 {
		return nil
	}
	if b.now.Before(f.paused) {
		b.wakeAt(f.paused)
		return nil
	}
	b.retryForgetting()
	var out []move
	over := b.count[final] - b.limits.retain
	for operations > 0 && len(f.order) > 0 {
		e := f.order[0]
		t := b.tasks.get(e.task)
		if t != nil && t.state == final {
			keep := b.limits.retention
			if over > 0 {
				keep = min(keep, keepAtLeast)
			}
			if left := keep - b.service().Sub(time.UnixMilli(e.at)); left > 0 {
				b.wakeAt(b.now.Add(left))
				break
			}
			if m, ok := b.forget(e.task, t); ok {
				out = append(out, m)
				operations -= m.cost()
			}
			over--
		}
		f.order = f.order[1:]
	}
	f.moving = len(out)
	return out
}

// forget returns the move that deletes the task and what is below it. What
// that is we know, or guess: a refusal will have it looked up.
func (b *board) forget(s seq, t *task) (move, bool) {
	m := move{kind: forget, task: s, attempt: int(t.attempts)}
	if t.seen == 0 {
		m.attempt = max(m.attempt, 1)
	}
	if names, ok := b.finals.debris[s]; ok {
		m.debris = names[:min(len(names), forgetMax)]
		m.attempt, m.stays = 0, len(names) > forgetMax
	}
	if m.attempt > forgetMax {
		b.urge(question{task: s, how: exact})
		return move{}, false
	}
	b.set(t, moving)
	return m, true
}

// forgotten: the task's znodes are deleted, or as many as one move can.
func (b *board) forgotten(m move, t *task) {
	b.finals.moving--
	delete(b.finals.debris, m.task)
	if m.stays {
		b.set(t, final)
		b.urge(question{task: m.task, how: exact})
		return
	}
	b.set(t, gone)
	if t.listing != b.listing && t.holders == 0 {
		b.remove(m.task, t)
	}
}

// unforgotten: the move was refused. We guessed wrong what is below the task,
// or somebody put something there.
func (b *board) unforgotten(m move, t *task, r result) {
	b.finals.moving--
	b.set(t, final)
	delete(b.finals.debris, m.task)
	if r == stale && t.refusals < refusalsMax {
		t.refusals++
		b.urge(question{task: m.task, how: exact})
		return
	}
	b.finals.paused = b.now.Add(forgetPause)
	b.forgetLater(m.task, t)
}

// forgetLater: the task could not be forgotten. It is tried again, with pauses
// that grow.
func (b *board) forgetLater(s seq, t *task) {
	f := &b.finals
	at := b.now.Add(forgetPause << min(t.refusals, forgetDoublings))
	t.refusals = min(t.refusals+1, forgetDoublings)
	i, _ := slices.BinarySearchFunc(f.later, at, func(p parking, at time.Time) int { return p.until.Compare(at) })
	f.later = slices.Insert(f.later, i, parking{at, s})
	if !f.told {
		f.told = true
		b.news = append(b.news, news{what: unforgettable, task: s})
	}
}

// retryForgetting has what was left alone for long enough inspected.
func (b *board) retryForgetting() {
	f := &b.finals
	for len(f.later) > 0 {
		if p := f.later[0]; b.now.Before(p.until) {
			b.wakeAt(p.until)
			return
		}
		b.urge(question{task: f.later[0].task, how: exact})
		f.later = f.later[1:]
	}
}

// resume is for a new term, or the end of one. Tasks that were being forgotten
// or inspected are in none of the lists; all of them are overdue.
func (f *finals) resume(tasks *taskSet) {
	f.moving, f.later, f.paused, f.told = 0, nil, time.Time{}, false
	known := make(map[seq]bool, len(f.order))
	for _, e := range f.order {
		known[e.task] = true
	}
	for s, t := range tasks.all() {
		if t.state == final && !known[s] {
			f.add(entry{task: s})
		}
	}
}

// inspected: the children of a task that is to be forgotten.
func (b *board) inspected(s seq, a answer) {
	if a.err != nil {
		b.forgetLater(s, b.tasks.get(s))
		return
	}
	// The status goes last, with the task itself: without it the task would wait
	// again.
	names := append([]string{}, a.children...)
	if i := slices.Index(names, coordinator.StatusName); i >= 0 {
		names = append(slices.Delete(names, i, i+1), coordinator.StatusName)
	}
	b.finals.debris[s] = names
	b.finals.add(entry{task: s}) // overdue
}
