package master

import (
	"slices"
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
	assigned assigned           // held: as what
	control  string             // what the master shall do; empty: it is for a worker
	target   coordinator.TaskID // control: to which task
	attempts int
	died     []string // the workers that died on it, once per lost attempt
}

// assigned is what an assignment says.
type assigned struct {
	coordinator.Assignment
	version int32
}

// ended says how the attempt ended whose worker died: lost, interrupted if the
// task is not to be charged with it, or "" if it was never started.
func (a assigned) ended() coordinator.Outcome {
	switch {
	case a.Charged():
		return coordinator.OutcomeLost
	case a.Started != 0:
		return coordinator.OutcomeInterrupted
	}
	return ""
}

const (
	maxAsking = 64  // questions under way
	maxScan   = 8   // of these, about tasks far down the line
	lookahead = 256 // tasks examined ahead of what there is room for

	// shelfLife is for how long an examination is good. Only people change a
	// waiting task (they may write its status); that we notice at the latest
	// so long before we assign it.
	shelfLife = 10 * time.Second
)

// questions returns what to look up now. Each must be answered.
func (b *board) questions() []question {
	b.line.settle()
	b.line.trim(b.idle)
	b.suspectQuestions()
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

// urge has a question asked before those that are not urgent.
func (b *board) urge(q question) {
	if t := b.tasks.get(q.task); t != nil {
		t.queued = true
		b.urgent = append(b.urgent, q)
	}
}

// nextUrgent takes the first of the urgent questions that is still one.
func (b *board) nextUrgent() (question, bool) {
	for len(b.urgent) > 0 {
		q := b.urgent[0]
		b.urgent = b.urgent[1:]
		t := b.tasks.get(q.task)
		if t == nil {
			continue
		}
		t.queued = false
		if t.state != moving && t.state != gone {
			return q, true
		}
	}
	return question{}, false
}

// looking reports that a question about the task is under way, or about to be.
// What is wanted anew in every round asks none then.
func (t *task) looking() bool { return t.ask != 0 || t.queued }

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
		if t := b.tasks.get(s); t != nil && t.state == waiting && !t.apart && t.ask == 0 && !b.fresh(t) {
			return question{task: s, how: t.firstLook()}, true
		}
	}
}

// arrivalsMax bounds how many listings are remembered by what was new in them.
const arrivalsMax = 64

// welcome remembers tasks that nobody has looked at yet. Under load they are
// examined in line before their turn comes here; those are dropped.
func (b *board) welcome(came []seq) {
	if len(b.arrivals) == arrivalsMax {
		var all []seq
		for _, some := range b.arrivals {
			for _, s := range some {
				if t := b.tasks.get(s); t != nil && t.state == waiting && t.seen == 0 {
					all = append(all, s)
				}
			}
		}
		slices.Sort(all)
		b.arrivals = append(b.arrivals[:0], all)
	}
	b.arrivals = append(b.arrivals, came)
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
	return t == nil || t.state != waiting || t.apart
}
