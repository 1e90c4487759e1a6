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
	b.urgent, b.left, b.parked, b.shelved = nil, nil, nil, 0
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
		t.ask, t.queued, t.refusals, t.shelved = 0, false, 0, false
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
