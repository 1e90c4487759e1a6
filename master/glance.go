package master

import "time"

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
