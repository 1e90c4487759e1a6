package master

import (
	"cmp"
	"slices"
	"time"
)

// finals are the tasks that have a status, in the order they are to be
// forgotten.
type finals struct {
	order  []entry          // oldest first; may hold tasks that are gone already
	moving int              // being forgotten
	debris map[seq][]string // the children of tasks that have others than expected
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
		b.urgent = append(b.urgent, question{task: s, how: exact})
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
		b.urgent = append(b.urgent, question{task: m.task, how: exact})
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
		b.urgent = append(b.urgent, question{task: m.task, how: exact})
	}
}

// inspected: the children of a task that is to be forgotten.
func (b *board) inspected(s seq, a answer) {
	if a.err == nil {
		b.finals.debris[s] = append([]string{}, a.children...)
		b.finals.add(entry{task: s}) // overdue
	}
}
