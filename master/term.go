package master

import "time"

// begin starts a term, after the lists of the workers and their assignments
// were told as they are since its beginning. What others may have changed
// before is forgotten: every task that is not final will be examined once
// before it is assigned. service is the time by the service's clock.
func (b *board) begin(service time.Time) {
	b.origin = service.Add(-b.clock())
	b.reset()
	b.arrivals = [][]seq{append([]seq(nil), b.line.order...)}
	for _, w := range b.crew() {
		if !w.alive {
			b.orphan(w)
		}
		for s := range w.held {
			if t := b.tasks.get(s); t.state == final || t.state == gone {
				b.drops = append(b.drops, orphan{task: s, worker: w.name})
			}
		}
	}
}

// rest is for standing by: nothing of what a term was doing goes on.
func (b *board) rest() {
	b.reset()
	b.round = round{dirty: true}
}

// reset puts every task where the lists of the workers say it is.
func (b *board) reset() {
	b.line, b.suspects, b.arrivals = line{}, suspects{}, nil
	b.urgent, b.left, b.parked = nil, nil, nil
	b.orphans, b.doomed, b.drops, b.controls = nil, nil, nil, nil
	b.finals.resume(&b.tasks)
	for _, w := range b.crew() {
		w.paused, w.unfit, w.tally, w.dismissed = time.Time{}, 0, tally{}, false
		w.guestSince, w.rest, w.until = time.Time{}, time.Time{}, nil
		for s, h := range w.held {
			if h.stage == pending || h.list != w.list {
				b.release(w, s)
			}
		}
	}
	for s, t := range b.tasks.all() {
		t.ask, t.refusals = 0, 0
		if t.state == final || t.state == gone {
			continue
		}
		t.seen, t.arrived, t.apart, t.state = 0, false, false, b.whereabouts(s, t)
	}
	b.line.settle()
	b.recount()
}

// whereabouts returns where the lists say a task is that is not final, and
// has it join the line if that is there.
func (b *board) whereabouts(s seq, t *task) state {
	if t.holders > 0 {
		return held
	}
	b.line.join(s)
	return waiting
}

func (b *board) recount() {
	b.count, b.unexamined = [states]int{}, 0
	for _, t := range b.tasks.all() {
		b.counting(t, 1)
	}
}

// round is a standby's walk along its line, to learn what is final by now, so
// that it need not when it takes over. Nobody assigns younger tasks before
// older ones, so a round ends when the oldest are found to wait.
type round struct {
	active bool
	dirty  bool // something has changed since the last round began
	misses int  // tasks found not to be final
	next   time.Time
}

const (
	maxGlances = 8           // under way
	maxMisses  = 64          // in a round
	roundGap   = time.Second // from the end of a round to the next
)

// glances returns what a standby should look up now.
func (b *board) glances() []question {
	r := &b.round
	b.settleDown()
	if !r.active && (!r.dirty || b.now.Before(r.next)) {
		if r.dirty {
			b.wakeAt(r.next)
		}
		return nil
	}
	if !r.active {
		*r = round{active: true}
		b.line.cursor = 0
	}
	var out []question
	for b.asking < maxGlances && r.misses < maxMisses {
		s, ok := b.line.next(len(b.line.order))
		if !ok {
			break
		}
		if t := b.tasks.get(s); t != nil && t.state == waiting {
			out = append(out, b.ask(question{task: s, how: glance}))
		}
	}
	if b.asking == 0 {
		r.active, r.next = false, b.now.Add(roundGap)
	}
	return out
}

// settleDown empties the queues of which a standby makes no use, but for the
// tasks that left a worker: they are in the line until they are known to be
// final.
func (b *board) settleDown() {
	b.arrivals, b.urgent, b.drops = nil, nil, nil
	for _, q := range b.left {
		if t := b.tasks.get(q.task); t != nil && t.state == left {
			b.requeue(q.task, t)
		}
	}
	b.left = nil
	b.line.settle()
	b.line.trim(b.idle)
}
